#include "serve/page/page.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "core/text_file.h"

namespace troika::serve {
namespace {

std::string web_file(const std::string& name) {
  Result<std::string> text =
      read_text_file(std::string(TROIKA_SOURCE_DIR) + "/src/serve/page/web/" + name);
  return text.ok() ? *text : "";
}

TEST(Page, HoldsTheFilesAsTheyStand) {
  const PageFile* index = find_page_file("/");
  ASSERT_NE(index, nullptr);
  EXPECT_EQ(index->type, "text/html; charset=utf-8");
  EXPECT_EQ(index->bytes, web_file("index.html"));
  const PageFile* app = find_page_file("/page/app.js");
  ASSERT_NE(app, nullptr);
  EXPECT_EQ(app->type, "text/javascript; charset=utf-8");
  EXPECT_EQ(app->bytes, web_file("app.js"));
  EXPECT_EQ(find_page_file("/page/style.css")->bytes, web_file("style.css"));
}

TEST(Page, KnowsNoOtherPath) {
  for (const char* path : {"", "/page", "/page/", "/page/none.js", "/index.html", "//",
                           "/page/../page/app.js", "page/app.js", "/PAGE/app.js"})
    EXPECT_EQ(find_page_file(path), nullptr) << path;
}

TEST(Page, EveryFileHasATypeAndAnEtagOfItsOwn) {
  std::set<std::string_view> etags;
  for (const PageFile& file : page_files()) {
    EXPECT_FALSE(file.type.empty()) << file.path;
    ASSERT_EQ(file.etag.size(), 34U) << file.path;
    EXPECT_EQ(file.etag.front(), '"');
    EXPECT_EQ(file.etag.back(), '"');
    EXPECT_TRUE(etags.insert(file.etag).second) << file.path;
  }
}

TEST(Page, AsksNothingOfOtherServersAndTurnsNoTextIntoMarkup) {
  for (const PageFile& file : page_files()) {
    for (const char* forbidden : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
                                  "eval(", "new Function", "@import", "src=\"http", "url(http"})
      EXPECT_EQ(file.bytes.find(forbidden), std::string_view::npos) << file.path << forbidden;
  }
}

TEST(Page, HeadersKeepItsOrigin) {
  const auto headers = page_headers();
  const auto policy = std::find_if(headers.begin(), headers.end(), [](const auto& header) {
    return header.first == "Content-Security-Policy";
  });
  ASSERT_NE(policy, headers.end());
  EXPECT_EQ(policy->second.find("default-src 'self';"), 0U);
  EXPECT_EQ(policy->second.find("unsafe"), std::string_view::npos);
  EXPECT_EQ(policy->second.find("http"), std::string_view::npos);
}

}  // namespace
}  // namespace troika::serve
