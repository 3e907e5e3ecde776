# The files of src/serve/page/web/ as C++ (serve/page/page.h), made when one of them changes.
#   include(TroikaPage)                       adds the rule and its source to troika_serve_page
#   cmake -DWEB=folder -DOUT=file -P ...      writes the source

if(CMAKE_SCRIPT_MODE_FILE)
  set(TYPE_html "text/html; charset=utf-8")
  set(TYPE_js "text/javascript; charset=utf-8")
  set(TYPE_css "text/css; charset=utf-8")
  set(TYPE_svg "image/svg+xml")
  file(GLOB files ${WEB}/*.html ${WEB}/*.js ${WEB}/*.css ${WEB}/*.svg)
  list(SORT files)
  set(arrays "")
  set(rows "")
  set(number 0)
  foreach(file ${files})
    get_filename_component(name ${file} NAME)
    string(REGEX MATCH "[a-z]+$" suffix ${name})
    set(path "/page/${name}")
    if(name STREQUAL "index.html")
      set(path "/")
    endif()
    file(READ ${file} hex HEX)
    file(SHA256 ${file} digest)
    string(SUBSTRING ${digest} 0 32 digest)
    string(LENGTH "${hex}" digits)
    math(EXPR bytes "${digits} / 2")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," values "${hex}")
    string(APPEND arrays "constexpr char kFile${number}[] = {${values}};\n")
    string(APPEND rows "    {\"${path}\", \"${TYPE_${suffix}}\", \"\\\"${digest}\\\"\", {kFile${number}, ${bytes}}},\n")
    math(EXPR number "${number} + 1")
  endforeach()
  file(WRITE ${OUT} "// Made from src/serve/page/web/ by cmake/TroikaPage.cmake.\n#include \"serve/page/page.h\"\n
namespace troika::serve {
namespace {
${arrays}constexpr PageFile kFiles[] = {
${rows}};
}  // namespace
std::span<const PageFile> page_files() {
  return kFiles;
}
}  // namespace troika::serve
")
  return()
endif()

set(web ${PROJECT_SOURCE_DIR}/src/serve/page/web)
set(out ${PROJECT_BINARY_DIR}/page_files.cc)
file(GLOB files CONFIGURE_DEPENDS ${web}/*)
add_custom_command(OUTPUT ${out}
  COMMAND ${CMAKE_COMMAND} -DWEB=${web} -DOUT=${out} -P ${CMAKE_CURRENT_LIST_FILE}
  DEPENDS ${files} ${CMAKE_CURRENT_LIST_FILE} COMMENT "Embedding the page" VERBATIM)
target_sources(troika_serve_page PRIVATE ${out})
