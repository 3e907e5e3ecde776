# Run by CPack before it packs: the service's configuration, where Debian wants it.
file(INSTALL ${CMAKE_CURRENT_LIST_DIR}/../deploy/systemd/troika.env
     DESTINATION ${CMAKE_INSTALL_PREFIX}/../etc/troika)
