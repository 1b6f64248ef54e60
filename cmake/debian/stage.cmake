# Called by CPack between installation and packing: what Debian's policy asks of a package.
set(root ${CPACK_TEMPORARY_INSTALL_DIRECTORY})
set(here ${CMAKE_CURRENT_LIST_DIR})
set(docs ${root}/usr/share/doc/fluxgate)
file(MAKE_DIRECTORY ${root}/etc/fluxgate)
file(COPY ${here}/copyright DESTINATION ${docs})
file(REMOVE ${docs}/LICENSE) # its text stands in copyright
file(COPY_FILE ${here}/changelog ${docs}/changelog)

file(GLOB_RECURSE pages ${root}/usr/share/man/*)
file(GLOB changelogs ${docs}/changelog)
foreach(file IN LISTS pages changelogs)
  execute_process(COMMAND gzip -9nf ${file} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
