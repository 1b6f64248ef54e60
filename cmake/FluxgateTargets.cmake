# What every target of the project shares: warnings, sanitizers, include root.

add_library(fg_options INTERFACE)
target_compile_options(fg_options INTERFACE -Wall -Wextra -Wconversion -Wshadow -Wpedantic)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 warns of an impossible overlap in std::string's operator+ (its bug 105651).
  target_compile_options(fg_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()
if(FLUXGATE_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # It takes the files that are compiled together for headers.
  target_compile_options(fg_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-subobject-linkage>)
endif()
if(FLUXGATE_WERROR)
  target_compile_options(fg_options INTERFACE -Werror)
endif()
if(FLUXGATE_SANITIZE)
  target_compile_options(fg_options INTERFACE -fsanitize=${FLUXGATE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(fg_options INTERFACE -fsanitize=${FLUXGATE_SANITIZE})
endif()
target_include_directories(fg_options INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/lib)
target_compile_definitions(fg_options INTERFACE FLUXGATE_VERSION="${PROJECT_VERSION}")
target_link_libraries(fg_options INTERFACE Threads::Threads)

# fluxgate_part(flux SOURCES reader.cpp ... LINKS fg_message ...): one folder of lib/, as the static library fg_<name>.
function(fluxgate_part name)
  cmake_parse_arguments(PART "" "" "SOURCES;LINKS" ${ARGN})
  add_library(fg_${name} STATIC ${PART_SOURCES})
  target_link_libraries(fg_${name} PUBLIC fg_options ${PART_LINKS})
endfunction()

# fluxgate_plugin(influxdb SOURCES ... LINKS ...): one folder of stages/, as a loadable module that exports one symbol.
function(fluxgate_plugin name)
  cmake_parse_arguments(PLUGIN "" "OUTPUT_DIRECTORY" "SOURCES;LINKS" ${ARGN})
  if(NOT PLUGIN_OUTPUT_DIRECTORY)
    set(PLUGIN_OUTPUT_DIRECTORY ${FLUXGATE_STAGE_OUTPUT_DIR})
  endif()
  add_library(stage_${name} MODULE ${PLUGIN_SOURCES})
  target_link_libraries(stage_${name} PRIVATE fg_options ${PLUGIN_LINKS})
  set_target_properties(stage_${name} PROPERTIES PREFIX "" OUTPUT_NAME fluxgate_stage_${name}
    LIBRARY_OUTPUT_DIRECTORY ${PLUGIN_OUTPUT_DIRECTORY})
  target_link_options(stage_${name} PRIVATE -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/plugin.map -Wl,--exclude-libs,ALL)
  if(NOT FLUXGATE_SANITIZE)
    target_link_options(stage_${name} PRIVATE -Wl,-z,defs) # a missing symbol is an error of the build, not of the host's load
  endif()
  set_target_properties(stage_${name} PROPERTIES LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/plugin.map)
endfunction()

# fluxgate_embed(target header.hpp symbol file...): makes the text of files available as C++ string literals in a generated
# header that `target` can include: inline constexpr std::string_view <symbol> for each SYMBOL=FILE pair.
function(fluxgate_embed target header)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/generated/${header})
  set(files "")
  foreach(pair IN LISTS ARGN)
    string(REGEX REPLACE "^[^=]+=" "" file ${pair})
    list(APPEND files ${file})
  endforeach()
  string(REPLACE ";" "|" pairs "${ARGN}")
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} "-DPAIRS=${pairs}" -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${files} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
  target_sources(${target} PRIVATE ${out})
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/generated)
endfunction()
