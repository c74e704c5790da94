# Install rules: libraries, headers, the command, and a package config so that find_package(daybook) works.
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/daybook")
install(EXPORT daybook-targets NAMESPACE daybook:: DESTINATION "${package_dir}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/daybook-config.cmake.in"
                              "${PROJECT_BINARY_DIR}/daybook-config.cmake" INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/daybook-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/daybook-config.cmake" "${PROJECT_BINARY_DIR}/daybook-config-version.cmake"
        DESTINATION "${package_dir}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/schemas/json" DESTINATION "${CMAKE_INSTALL_DATADIR}/daybook/schemas")
