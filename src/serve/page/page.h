// The page: what a browser gets from the server itself, to chat and to watch. Its files stand in
// web/ as they are served, hand-written; the build puts their bytes into the program
// (cmake/TroikaPage.cmake). README.md beside this file says what the page asks of the server.
#pragma once

#include <span>
#include <string_view>
#include <utility>

namespace troika::serve {

/// One file of the page. Views last as long as the program.
struct PageFile {
  std::string_view path;   // of its URL: "/" or "/page/app.js"
  std::string_view type;   // of its contents: "text/javascript; charset=utf-8"
  std::string_view etag;   // in its quotes; changes with the bytes
  std::string_view bytes;  // as they are sent
};

/// All files, by path. Thread: any.
std::span<const PageFile> page_files();

/// The file at a URL's path, without its query; null: it is none of the page's. Thread: any.
const PageFile* find_page_file(std::string_view path);

/// Names and values that every answer with a file of the page carries: nothing is loaded from
/// elsewhere, no text becomes a script, nobody frames the page, caches ask whether it changed.
std::span<const std::pair<std::string_view, std::string_view>> page_headers();

}  // namespace troika::serve
