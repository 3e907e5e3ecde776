// Every vocabulary of the shared fixtures against the ids its model was trained with.
#include <gtest/gtest.h>

#include "core/printable.h"
#include "support/shared.h"
#include "text/detokenizer.h"
#include "text/normalize.h"
#include "tokenizers/fixture.h"

namespace troika::testing {
namespace {

class Expected : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const auto folder = shared_fixtures("tokenizers");
    if (!folder) GTEST_SKIP();
    folder_ = *folder;
    tokenizer_ = load_tokenizer(folder_, vocabulary_name());
    ASSERT_TRUE(tokenizer_);
    lines_ = json_lines(folder_ / "expected" / (std::string(GetParam()) + ".jsonl"));
    ASSERT_FALSE(lines_.empty());
  }

  // Expectations are named without the "vocab-" that their files begin with.
  std::string vocabulary_name() const {
    const std::string name = GetParam();
    return name.starts_with("ggml-") ? name : "vocab-" + name;
  }

  bool is(std::string_view part) const {
    return std::string_view(GetParam()).find(part) != std::string_view::npos;
  }
  bool is_sentencepiece() const { return is("spm") || is("phi-3") || is("baichuan"); }

  std::filesystem::path folder_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::vector<nlohmann::json> lines_;
};

TEST_P(Expected, EncodesAsTheModelWasTrained) {
  for (const auto& line : lines_) {
    const std::string text = text_of(line);
    const EncodeOptions options{.add_special = line.at("add_special"), .parse_special = true};
    EXPECT_EQ(numbers(tokenizer_->encode(text, options)),
              line.at("ids").get<std::vector<int32_t>>())
        << printable(text, 400);
  }
}

TEST_P(Expected, LeavesSpecialTextAloneWhenTold) {
  for (const auto& line : lines_) {
    const std::string text = text_of(line);
    const EncodeOptions options{.add_special = line.at("add_special"), .parse_special = false};
    const auto& wanted = line.contains("ids_plain") ? line["ids_plain"] : line.at("ids");
    EXPECT_EQ(numbers(tokenizer_->encode(text, options)), wanted.get<std::vector<int32_t>>())
        << printable(text, 400);
  }
}

// Not so for texts with bytes that are not UTF-8, for a vocabulary without some bytes (falcon), for
// one that eats white space (phi-3), and for SentencePiece's own mark and the spaces it puts in
// front of every stretch of text.
TEST_P(Expected, DecodesToTheTextItCameFrom) {
  if (is("falcon") || is("phi-3")) return;
  for (const auto& line : lines_) {
    if (!line.contains("text") || line.at("add_special")) continue;
    std::string text = line["text"];
    if (is("qwen")) text = text::compose(text);
    const auto ids = ids_of(line.at("ids"));
    if (is_sentencepiece()) {
      const bool special = line.contains("ids_plain");
      if (special || text.find("\xE2\x96\x81") != std::string::npos) continue;
    }
    EXPECT_EQ(tokenizer_->decode(ids, {.show_special = true}), text) << printable(text, 400);
  }
}

// One id at a time or all at once: the same text, always valid.
TEST_P(Expected, StreamsTheSameTextInAnyChunks) {
  for (const auto& line : lines_) {
    const auto ids = ids_of(line.at("ids"));
    std::string whole;
    Utf8Stream stream;
    std::string bytes;
    for (const TokenId id : ids) bytes += tokenizer_->piece(id);
    stream.push(bytes, whole);
    stream.flush(whole);
    Detokenizer detokenizer(*tokenizer_);
    std::string streamed;
    for (const TokenId id : ids) streamed += detokenizer.push(id);
    streamed += detokenizer.flush();
    EXPECT_EQ(streamed, whole);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Vocabularies, Expected,
    ::testing::Values("deepseek_v3", "ggml-vocab-baichuan", "ggml-vocab-deepseek-coder",
                      "ggml-vocab-deepseek-llm", "ggml-vocab-falcon", "ggml-vocab-gpt-2",
                      "ggml-vocab-gpt-neox", "ggml-vocab-llama-spm", "ggml-vocab-mpt",
                      "ggml-vocab-phi-3", "ggml-vocab-refact", "ggml-vocab-starcoder", "glm46",
                      "gptoss", "llama3_1", "mistral_nemo", "qwen2_5", "qwen3", "qwen35_synthetic"),
    [](const ::testing::TestParamInfo<const char*>& row) {
      std::string name = row.param;
      for (char& c : name)
        if (c == '-') c = '_';
      return name;
    });

// Vocabularies whose algorithm is not built are refused by name, with what is.
TEST(UnsupportedVocabulary, IsRefusedByName) {
  const auto folder = shared_fixtures("tokenizers");
  if (!folder) GTEST_SKIP();
  for (const auto& [name, model] :
       {std::pair{"ggml-vocab-bert-bge", "bert"}, std::pair{"vocab-gemma3_as_gemma4", "gemma4"}}) {
    Result<gguf::File> file = open_vocabulary(*folder, name);
    ASSERT_TRUE(file.ok()) << file.error().message();
    const auto tokenizer = Tokenizer::load(file->metadata());
    ASSERT_FALSE(tokenizer.ok());
    EXPECT_EQ(tokenizer.error().code(), ErrorCode::unsupported);
    EXPECT_NE(tokenizer.error().message().find(model), std::string::npos);
    EXPECT_NE(tokenizer.error().message().find("gpt2"), std::string::npos);
  }
}

// Texts and ids of the vocabularies' own tests: BOS not added, special text not parsed.
struct Inputs {
  const char* tests;
  const char* vocabulary;
};

class OwnTests : public ::testing::TestWithParam<Inputs> {};

TEST_P(OwnTests, GiveTheSameIds) {
  const auto folder = shared_fixtures("tokenizers");
  if (!folder) GTEST_SKIP();
  const auto tokenizer = load_tokenizer(*folder, GetParam().vocabulary);
  ASSERT_TRUE(tokenizer);
  const std::string base = std::string("ggml-vocab-") + GetParam().tests + ".gguf";
  const std::string inputs = file_bytes(*folder / (base + ".inp"));
  std::istringstream outputs(file_bytes(*folder / (base + ".out")));
  constexpr std::string_view kSeparator = "\n__ggml_vocab_test__\n";
  size_t texts = 0;
  std::string line;
  for (size_t at = 0; at < inputs.size() && std::getline(outputs, line); ++texts) {
    const size_t end = std::min(inputs.find(kSeparator, at), inputs.size());
    const std::string text = inputs.substr(at, end - at);
    at = end + kSeparator.size();
    std::istringstream words(line);
    const std::vector<int32_t> wanted{std::istream_iterator<int32_t>(words), {}};
    EXPECT_EQ(numbers(tokenizer->encode(text, {.add_special = false})), wanted)
        << printable(text, 400);
  }
  EXPECT_GE(texts, 40u);
}

INSTANTIATE_TEST_SUITE_P(
    Vocabularies, OwnTests,
    ::testing::Values(Inputs{"deepseek-coder", "ggml-vocab-deepseek-coder"},
                      Inputs{"deepseek-llm", "ggml-vocab-deepseek-llm"},
                      Inputs{"deepseek-r1-qwen", "vocab-qwen2_5"},
                      Inputs{"falcon", "ggml-vocab-falcon"}, Inputs{"gpt-2", "ggml-vocab-gpt-2"},
                      Inputs{"llama-bpe", "vocab-llama3_1"},
                      Inputs{"llama-spm", "ggml-vocab-llama-spm"}, Inputs{"mpt", "ggml-vocab-mpt"},
                      Inputs{"phi-3", "ggml-vocab-phi-3"}, Inputs{"qwen2", "vocab-qwen3"},
                      Inputs{"refact", "ggml-vocab-refact"},
                      Inputs{"starcoder", "ggml-vocab-starcoder"}));

}  // namespace
}  // namespace troika::testing
