# A Debian package of what is installed: `cmake --build build/release --target deb` puts it into the build folder.
#
# One package: the program needs the plugins and libfluxgate of its own version, and headers are small. What a Debian package needs
# beside the installation (compressed pages, copyright, /etc/fluxgate) is added by cmake/debian/stage.cmake, so that
# `cmake --install` stays what it is on every system.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME fluxgate)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_VENDOR "fluxgate")
set(CPACK_PACKAGE_CONTACT "fluxgate maintainers <maintainers@fluxgate.invalid>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debian/stage.cmake)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "moves time series out of InfluxDB as partitioned JSON messages")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "fluxgate reads InfluxDB v2 at a set interval and turns every row of a Flux
query into one JSON message. A jq expression gives each message its partition,
and every partition is delivered in order. Nothing is lost on the way: a
message is delivered, or it stands in a file of dead letters with the reason.

The package holds the program, its stages, the library for programs that
embed it, and a systemd unit.")
# libfluxgate itself is in the package; all else that the binaries link is found by dpkg-shlibdeps.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/cmake/debian/postinst ${PROJECT_SOURCE_DIR}/cmake/debian/prerm
  ${PROJECT_SOURCE_DIR}/cmake/debian/postrm ${PROJECT_SOURCE_DIR}/cmake/debian/triggers)
include(CPack)

if(TARGET fluxgate_runner)
  add_custom_target(deb COMMAND ${CMAKE_CPACK_COMMAND} -G DEB --config ${PROJECT_BINARY_DIR}/CPackConfig.cmake -B ${PROJECT_BINARY_DIR}
    DEPENDS fluxgate fluxgate_runner fluxgate-sample-server stage_influxdb stage_core WORKING_DIRECTORY ${PROJECT_BINARY_DIR} VERBATIM)
endif()
