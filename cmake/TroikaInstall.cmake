# cmake --install: the program, the C library with its headers, and what find_package(troika) and pkg-config read.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

target_compile_definitions(troika_capi PRIVATE TROIKA_VERSION="${PROJECT_VERSION}")
target_include_directories(troika_capi PUBLIC ${PROJECT_SOURCE_DIR}/include)

# All of troika_capi and nothing else is visible: not the functions of libraries inside.
file(WRITE ${PROJECT_BINARY_DIR}/troika_shared.cc "")  # a library wants a source; all comes from troika_capi
add_library(troika_shared SHARED ${PROJECT_BINARY_DIR}/troika_shared.cc)
add_library(troika::troika ALIAS troika_shared)
target_link_libraries(troika_shared PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,troika_capi>)
target_link_options(troika_shared PRIVATE -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/troika.map)
target_include_directories(troika_shared INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set_target_properties(troika_shared PROPERTIES OUTPUT_NAME troika EXPORT_NAME troika
                      VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
                      LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/troika.map)

install(TARGETS troika RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS troika_shared EXPORT troika LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/troika.h include/troika.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES models/troika-demo.gguf DESTINATION ${CMAKE_INSTALL_DATADIR}/troika)
install(EXPORT troika NAMESPACE troika:: FILE troika-targets.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/troika)
configure_package_config_file(cmake/troika-config.cmake.in ${PROJECT_BINARY_DIR}/troika-config.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/troika)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/troika-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/troika-config.cmake ${PROJECT_BINARY_DIR}/troika-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/troika)
configure_file(cmake/troika.pc.in ${PROJECT_BINARY_DIR}/troika.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/troika.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
