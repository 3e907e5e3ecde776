# A Debian package: cmake --build BUILD --target package, or cpack in BUILD. What cmake --install
# brings, and a systemd service that is installed but not started (deploy/, docs/deploy.md).
install(FILES deploy/systemd/troika.service DESTINATION lib/systemd/system)
install(FILES deploy/systemd/troika.sysusers DESTINATION lib/sysusers.d RENAME troika.conf)
install(FILES deploy/systemd/troika.env DESTINATION ${CMAKE_INSTALL_DATADIR}/troika)
install(FILES docs/deploy.md SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(DIRECTORY deploy/nginx deploy/haproxy deploy/kubernetes DESTINATION ${CMAKE_INSTALL_DOCDIR}/deploy)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME troika)
set(CPACK_PACKAGE_VENDOR Troika)
set(CPACK_PACKAGE_CONTACT "The Troika maintainers <troika@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Runs language models from GGUF files, for many users")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)  # what the programs are linked to, with versions
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${PROJECT_SOURCE_DIR}/deploy/debian/postinst;${PROJECT_SOURCE_DIR}/deploy/debian/prerm"
    "${PROJECT_SOURCE_DIR}/deploy/debian/postrm;${PROJECT_SOURCE_DIR}/deploy/debian/conffiles")
# /etc is not below the prefix: of packages alone, so that an installation into a folder leaves it be.
set(CPACK_INSTALL_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/package_etc.cmake)
include(CPack)
