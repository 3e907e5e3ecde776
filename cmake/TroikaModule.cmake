# troika_module(NAME [EXECUTABLE program] DEPENDS target...)
# One static library per folder src/NAME, named troika_NAME (slashes become underscores), from every .cc directly in it
# and its kernels/, families/, ops/, jinja/, output/ and grammar/; x_test.cc beside x.cc go into one test program NAME_test.
# A file kernels/x_<isa>.cc alone is compiled with the flags of <isa>: an inline function shared with plain
# files would leak those instructions into them. Kernels of AArch64 are built by scripts/test_arm.

set(TROIKA_ISA_avx2 -mavx2 -mfma -mf16c -mbmi2)
set(TROIKA_ISA_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mavx512vbmi -mavx512bf16
                      -mfma -mf16c -mbmi2 -mprefer-vector-width=512)

function(troika_compile_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wno-missing-field-initializers -Wshadow
                         -Wpedantic -Werror -ffp-contract=off)
endfunction()

function(troika_module name)
  cmake_parse_arguments(MODULE "" "EXECUTABLE" "DEPENDS" ${ARGN})
  string(REPLACE "/" "_" target ${name})
  set(folder ${PROJECT_SOURCE_DIR}/src/${name})
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cc ${folder}/kernels/*.cc ${folder}/families/*.cc
       ${folder}/ops/*.cc ${folder}/jinja/*.cc ${folder}/output/*.cc ${folder}/grammar/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$|/kernels/[a-z0-9_]+_(neon|dotprod|i8mm)\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  foreach(source ${sources})
    if(source MATCHES "/kernels/[a-z0-9_]+_(avx2|avx512)\\.cc$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${TROIKA_ISA_${CMAKE_MATCH_1}}")
    endif()
  endforeach()

  if(MODULE_EXECUTABLE)
    set(library troika_${target})
    set(main ${folder}/main.cc)
    list(REMOVE_ITEM sources ${main})
    if(EXISTS ${main})
      add_executable(${MODULE_EXECUTABLE} ${main})
      troika_compile_options(${MODULE_EXECUTABLE})
      target_link_libraries(${MODULE_EXECUTABLE} PRIVATE ${library})
      set_target_properties(${MODULE_EXECUTABLE} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    endif()
  else()
    set(library troika_${target})
  endif()
  if(sources)
    add_library(${library} STATIC ${sources})
    target_include_directories(${library} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${library} PUBLIC ${MODULE_DEPENDS})
    troika_compile_options(${library})
  else()
    add_library(${library} INTERFACE)
    target_include_directories(${library} INTERFACE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${library} INTERFACE ${MODULE_DEPENDS})
  endif()
  if(tests AND BUILD_TESTING)
    troika_test(${target}_test SOURCES ${tests} DEPENDS ${library})
  endif()
endfunction()

# troika_test(NAME SOURCES file... DEPENDS target...): a GoogleTest program, one CTest entry.
function(troika_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  troika_compile_options(${name})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${name} PRIVATE TROIKA_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${TEST_DEPENDS} nlohmann_json::nlohmann_json GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
endfunction()
