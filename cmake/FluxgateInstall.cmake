# What `cmake --install` puts where: libfluxgate with its headers, a CMake package and a pkg-config file; the stage plugins;
# the runner; the schemas and documents. The installation may be moved as a whole: nothing in it names its own prefix.
include(CMakePackageConfigHelpers)

set(FLUXGATE_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/fluxgate)

if(TARGET fluxgate)
  install(TARGETS fluxgate EXPORT fluxgate-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT fluxgate-targets NAMESPACE fluxgate:: DESTINATION ${FLUXGATE_PACKAGE_DIR})
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/fluxgate DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")

  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/fluxgate-config.cmake.in ${PROJECT_BINARY_DIR}/package/fluxgate-config.cmake
    INSTALL_DESTINATION ${FLUXGATE_PACKAGE_DIR} PATH_VARS FLUXGATE_STAGE_INSTALL_DIR)
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/fluxgate-config-version.cmake COMPATIBILITY SameMajorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/package/fluxgate-config.cmake ${PROJECT_BINARY_DIR}/package/fluxgate-config-version.cmake
    DESTINATION ${FLUXGATE_PACKAGE_DIR})

  # pkg-config finds the prefix from where the file lies.
  file(RELATIVE_PATH FLUXGATE_PC_TO_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
  configure_file(${PROJECT_SOURCE_DIR}/cmake/fluxgate.pc.in ${PROJECT_BINARY_DIR}/package/fluxgate.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/package/fluxgate.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()

foreach(plugin influxdb core)
  if(TARGET stage_${plugin})
    install(TARGETS stage_${plugin} LIBRARY DESTINATION ${FLUXGATE_STAGE_INSTALL_DIR})
  endif()
endforeach()

# The runner finds libfluxgate beside itself, wherever both are moved to.
if(TARGET fluxgate_runner)
  file(RELATIVE_PATH FLUXGATE_BIN_TO_LIB ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
  set_target_properties(fluxgate_runner PROPERTIES INSTALL_RPATH "$ORIGIN/${FLUXGATE_BIN_TO_LIB}")
  install(TARGETS fluxgate_runner RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# The unit names the program where it is installed, so it is written then.
if(TARGET fluxgate_runner)
  install(CODE "
    set(CMAKE_INSTALL_FULL_BINDIR \${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR})
    configure_file([[${PROJECT_SOURCE_DIR}/examples/runner/systemd/fluxgate@.service.in]] [[${PROJECT_BINARY_DIR}/package/fluxgate@.service]] @ONLY)")
  install(FILES ${PROJECT_BINARY_DIR}/package/fluxgate@.service DESTINATION lib/systemd/system)
endif()

install(DIRECTORY ${PROJECT_SOURCE_DIR}/schemas/ DESTINATION ${CMAKE_INSTALL_DATADIR}/fluxgate/schemas FILES_MATCHING PATTERN "*.json")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/pipelines/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/pipelines FILES_MATCHING PATTERN "*.json")
foreach(document README.md CHANGELOG.md LICENSE)
  if(EXISTS ${PROJECT_SOURCE_DIR}/${document})
    install(FILES ${PROJECT_SOURCE_DIR}/${document} DESTINATION ${CMAKE_INSTALL_DOCDIR})
  endif()
endforeach()
