// The tokenizer cases of the tiny models: ids both ways, special text parsed, nothing added.
#include <gtest/gtest.h>

#include "core/printable.h"
#include "support/shared.h"
#include "tokenizers/fixture.h"

namespace troika::testing {
namespace {

void check_cases(const std::filesystem::path& folder, const std::string& name) {
  SCOPED_TRACE(name);
  const auto tokenizer = load_tokenizer(folder, name + "-f32");
  ASSERT_TRUE(tokenizer);
  const auto cases = nlohmann::json::parse(file_bytes(folder / (name + ".tok.json")));
  for (const auto& expectation : cases) {
    const std::string text = expectation.at("text");
    const auto ids = tokenizer->encode(text, {.add_special = false, .parse_special = true});
    EXPECT_EQ(numbers(ids), expectation.at("ids").get<std::vector<int32_t>>())
        << printable(text, 400);
    const std::string wanted = expectation.value("detok", text);
    EXPECT_EQ(tokenizer->decode(ids, {.show_special = true, .clean_spaces = true}), wanted);
  }
  EXPECT_GE(cases.size(), 15u);
}

TEST(ModelCases, TokenizeBothWays) {
  const auto folder = shared_fixtures("models");
  if (!folder) GTEST_SKIP();
  int models = 0;
  for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
    const std::string file = entry.path().filename().string();
    constexpr std::string_view kEnding = ".tok.json";
    if (!file.ends_with(kEnding)) continue;
    check_cases(*folder, file.substr(0, file.size() - kEnding.size()));
    ++models;
  }
  EXPECT_GE(models, 8);
}

}  // namespace
}  // namespace troika::testing
