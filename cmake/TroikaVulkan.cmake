# The Vulkan device, where the headers of Vulkan and a compiler of shaders are installed; its place is taken by one that
# says so where they are not. Nothing links libvulkan: the program looks for it when it is wanted.
#   include(TroikaVulkan)                      sets TROIKA_VULKAN_MODULE and TROIKA_VULKAN_COMPILER
#   troika_vulkan_shaders()                    adds the compiled shaders (device/vulkan/shaders.h) to the module
#   cmake -DSHADERS=folder -DCOMPILER=program -DOUT=file -P ...   compiles them and writes that source

if(CMAKE_SCRIPT_MODE_FILE)
  file(GLOB files ${SHADERS}/*.comp)
  list(SORT files)
  set(arrays "")
  set(rows "")
  set(number 0)
  foreach(file ${files})
    get_filename_component(name ${file} NAME_WE)
    set(compiled ${OUT}.${name}.spv)
    execute_process(COMMAND ${COMPILER} -V --target-env vulkan1.2 -o ${compiled} ${file}
                    RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
    if(NOT status EQUAL 0)
      message(FATAL_ERROR "${file}:\n${text}")
    endif()
    file(READ ${compiled} hex HEX)
    file(REMOVE ${compiled})
    string(REGEX REPLACE "(..)(..)(..)(..)" "0x\\4\\3\\2\\1," words "${hex}")
    string(APPEND arrays "constexpr uint32_t kShader${number}[] = {${words}};\n")
    string(APPEND rows "    {\"${name}\", kShader${number}},\n")
    math(EXPR number "${number} + 1")
  endforeach()
  file(WRITE ${OUT} "// Made from src/device/vulkan/shaders/ by cmake/TroikaVulkan.cmake.\n#include \"device/vulkan/shaders.h\"\n
namespace troika::vulkan {
namespace {
${arrays}constexpr Shader kShaders[] = {
${rows}};
}  // namespace
std::span<const Shader> shaders() {
  return kShaders;
}
}  // namespace troika::vulkan
")
  return()
endif()

find_path(TROIKA_VULKAN_INCLUDE vulkan/vulkan_core.h)
find_program(TROIKA_VULKAN_COMPILER glslangValidator)
if(TROIKA_VULKAN_INCLUDE AND TROIKA_VULKAN_COMPILER)
  set(TROIKA_VULKAN_MODULE troika_device_vulkan)
else()
  set(TROIKA_VULKAN_MODULE troika_device_vulkan_absent)
  message(STATUS "The Vulkan device is left out: no vulkan/vulkan_core.h or no glslangValidator")
endif()
set(TROIKA_VULKAN_FILE ${CMAKE_CURRENT_LIST_FILE})

function(troika_vulkan_shaders)
  set(folder ${PROJECT_SOURCE_DIR}/src/device/vulkan/shaders)
  set(out ${PROJECT_BINARY_DIR}/vulkan_shaders.cc)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*.comp ${folder}/*.glsl)
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DSHADERS=${folder} -DCOMPILER=${TROIKA_VULKAN_COMPILER} -DOUT=${out}
            -P ${TROIKA_VULKAN_FILE}
    DEPENDS ${files} ${TROIKA_VULKAN_FILE} COMMENT "Compiling shaders" VERBATIM)
  target_sources(troika_device_vulkan PRIVATE ${out})
  target_include_directories(troika_device_vulkan SYSTEM PUBLIC ${TROIKA_VULKAN_INCLUDE})
  target_link_libraries(troika_device_vulkan PRIVATE ${CMAKE_DL_LIBS})
endfunction()
