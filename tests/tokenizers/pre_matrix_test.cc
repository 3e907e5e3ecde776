// Every list of patterns over one vocabulary: the shared fixture holds the cut and the ids for each name.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "core/printable.h"
#include "support/shared.h"
#include "text/pretokenizer.h"
#include "text/utf8.h"
#include "tokenizers/fixture.h"

namespace troika::testing {
namespace {

std::vector<std::string> words_of(const text::Pretokenizer& pretokenizer, const std::string& text) {
  std::vector<std::string> words;
  pretokenizer.split(text::repair_utf8(text), [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

TEST(PreMatrix, EveryListCutsAndEncodesAsExpected) {
  const auto folder = shared_fixtures("tokenizers");
  if (!folder) GTEST_SKIP();
  Result<gguf::File> file = open_vocabulary(*folder, "ggml-vocab-gpt-2");
  ASSERT_TRUE(file.ok()) << file.error().message();
  Result<TokenizerSpec> spec = read_tokenizer_spec(file->metadata());
  ASSERT_TRUE(spec.ok()) << spec.error().message();

  std::map<std::string, std::vector<nlohmann::json>> by_name;
  for (const auto& line : json_lines(*folder / "expected" / "pre-matrix.jsonl"))
    by_name[line.at("pre")].push_back(line);
  int lists = 0;
  for (const auto& [name, lines] : by_name) {
    const text::PretokenizerRow* row = text::find_pretokenizer(name);
    if (!row) continue;
    ++lists;
    spec->pre = name;
    const auto tokenizer = Tokenizer::make(*spec);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message();
    const auto pretokenizer = text::Pretokenizer::make(*row);
    ASSERT_TRUE(pretokenizer.ok()) << pretokenizer.error().message();
    for (const auto& line : lines) {
      const std::string text = line.at("text");
      const auto ids = numbers((*tokenizer)->encode(text, {.add_special = false}));
      // Where real Unicode classes give other ids than the fixture's second engine, both are right.
      if (line.contains("ids_true_regex") && ids == line["ids_true_regex"]) continue;
      EXPECT_EQ(ids, line.at("ids").get<std::vector<int32_t>>())
          << name << ": " << printable(text, 300);
      if (!row->compose)
        EXPECT_EQ(words_of(*pretokenizer, text), line.at("pieces").get<std::vector<std::string>>())
            << name << ": " << printable(text, 300);
    }
  }
  EXPECT_GE(lists, 40);
  EXPECT_GE(lists + 4, static_cast<int>(by_name.size()));  // a list that vanishes is noticed
}

}  // namespace
}  // namespace troika::testing
