# daybook_floor(NAME HEADERS … SOURCES … LINKS … PRIVATE_LINKS …): one static library for one floor,
# with its public headers in <floor>/include as a header set that is checked to compile alone.
# Tests that kill processes and plant bugs link its twin daybook_hooked::NAME: the same sources with the seams of
# event/test_hooks.hpp. A program links either the floors or their twins.

set(DAYBOOK_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast
                     -Woverloaded-virtual)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # With -O2, gcc 12 sees overruns in std::string assignments that are none (gcc bugs 105329, 105651).
  list(APPEND DAYBOOK_WARNINGS -Wno-array-bounds -Wno-restrict -Wno-stringop-overread -Wno-stringop-overflow)
endif()

function(daybook_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE ${DAYBOOK_WARNINGS})
  if(DAYBOOK_WARNINGS_AS_ERRORS)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()

function(daybook_floor name)
  cmake_parse_arguments(FLOOR "" "" "HEADERS;SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  set(target daybook_${name})
  add_library(${target} STATIC ${FLOOR_SOURCES})
  add_library(daybook::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} VERIFY_INTERFACE_HEADER_SETS ON)
  list(TRANSFORM FLOOR_HEADERS PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/include/daybook/${name}/")
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${FLOOR_HEADERS})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PUBLIC ${FLOOR_LINKS} PRIVATE ${FLOOR_PRIVATE_LINKS})
  daybook_compile_options(${target})
  if(DAYBOOK_INSTALL)
    install(TARGETS ${target} EXPORT daybook-targets FILE_SET HEADERS)
  endif()
  if(DAYBOOK_BUILD_TESTS)
    list(TRANSFORM FLOOR_LINKS REPLACE "^daybook::" "daybook_hooked::")
    add_library(daybook_hooked_${name} STATIC EXCLUDE_FROM_ALL ${FLOOR_SOURCES})
    add_library(daybook_hooked::${name} ALIAS daybook_hooked_${name})
    target_include_directories(daybook_hooked_${name} PUBLIC include PRIVATE "${PROJECT_SOURCE_DIR}")
    target_compile_definitions(daybook_hooked_${name} PUBLIC DAYBOOK_TEST_HOOKS)
    target_link_libraries(daybook_hooked_${name} PUBLIC ${FLOOR_LINKS} PRIVATE ${FLOOR_PRIVATE_LINKS})
    daybook_compile_options(daybook_hooked_${name})
  endif()
endfunction()
