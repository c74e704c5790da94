# daybook_test(FLOOR SOURCES … LINKS … [CAMPAIGN]): one Catch2 program for one floor's tests; each case is a ctest test.
# CAMPAIGN: its cases are counted searches (tests/campaign), which `./dev reliability` runs at full length.
include(Catch)

function(daybook_test floor)
  cmake_parse_arguments(TEST "CAMPAIGN" "" "SOURCES;LINKS" ${ARGN})
  set(target ${floor}_tests)
  add_executable(${target} ${TEST_SOURCES})
  target_link_libraries(${target} PRIVATE Catch2::Catch2WithMain ${TEST_LINKS})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/tests")
  target_precompile_headers(${target} PRIVATE <catch2/catch.hpp> <string> <vector> <fmt/format.h>)
  daybook_compile_options(${target})
  if(TEST_CAMPAIGN)
    catch_discover_tests(${target} TEST_PREFIX "${floor}/" PROPERTIES TIMEOUT 2400 LABELS campaign)
  else()
    catch_discover_tests(${target} TEST_PREFIX "${floor}/" PROPERTIES TIMEOUT 600)
  endif()
endfunction()
