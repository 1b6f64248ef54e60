# The configuration of input/influxdbv2@v1, apart from the plugin so that tests link it alone.
add_library(fg_influx_settings STATIC ${CMAKE_CURRENT_LIST_DIR}/settings.cpp ${CMAKE_CURRENT_LIST_DIR}/settings_incremental.cpp)
target_link_libraries(fg_influx_settings PUBLIC fg_options fg_config fg_window)
target_include_directories(fg_influx_settings PUBLIC ${PROJECT_SOURCE_DIR}/stages)
fluxgate_embed(fg_influx_settings influxdbv2_schema.hpp input_influxdbv2=${PROJECT_SOURCE_DIR}/schemas/input.influxdbv2.v1.json)
