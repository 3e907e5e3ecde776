#include "text/tokenizer_spec.h"

#include <gtest/gtest.h>

#include "gguf/file.h"
#include "support/gguf_builder.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"
#include "tokenizers/small_vocabulary.h"

namespace troika {
namespace {

using gguf::ValueType;
using testing::GgufBuilder;

// The keys that every file with a tokenizer has.
GgufBuilder builder(const testing::SmallVocabulary& v) {
  GgufBuilder b;
  b.string("tokenizer.ggml.model", v.model).string("tokenizer.ggml.pre", v.pre);
  b.strings("tokenizer.ggml.tokens", v.tokens).strings("tokenizer.ggml.merges", v.merges);
  b.numbers("tokenizer.ggml.token_type", ValueType::i32, v.types);
  b.numbers("tokenizer.ggml.scores", ValueType::f32, v.scores);
  return b;
}

// Keeps the bytes that the file views.
struct Opened {
  explicit Opened(const GgufBuilder& b)
      : bytes(b.bytes()), file(gguf::File::parse(bytes, "test")) {}
  std::vector<std::byte> bytes;
  Result<gguf::File> file;
};

TEST(TokenizerSpec, ReadsEveryKey) {
  GgufBuilder b = builder(testing::byte_vocabulary());
  b.string("general.name", "Foal").u32("tokenizer.ggml.bos_token_id", 265);
  b.u32("tokenizer.ggml.eos_token_id", 267).u32("tokenizer.ggml.prefix_token_id", 7);
  b.boolean("tokenizer.ggml.add_bos_token", true).boolean("tokenizer.ggml.add_space_prefix", false);
  const Opened opened(b);
  ASSERT_TRUE(opened.file.ok()) << opened.file.error().message();
  const auto spec = read_tokenizer_spec(opened.file->metadata());
  ASSERT_TRUE(spec.ok()) << spec.error().message();
  EXPECT_EQ(spec->model, "gpt2");
  EXPECT_EQ(spec->pre, "qwen2");
  EXPECT_EQ(spec->name, "Foal");
  EXPECT_EQ(spec->tokens.size(), 270u);
  EXPECT_EQ(spec->merges.size(), 9u);
  EXPECT_EQ(spec->types.size(), 270u);
  EXPECT_EQ(spec->scores.size(), 270u);
  EXPECT_EQ(spec->special.bos, 265);
  EXPECT_EQ(spec->special.eos, 267);
  EXPECT_EQ(spec->special.fim_prefix, 7);
  EXPECT_FALSE(spec->special.eot.has_value());
  EXPECT_EQ(spec->add_bos, true);
  EXPECT_EQ(spec->add_space_prefix, false);
  EXPECT_FALSE(spec->add_eos.has_value());
}

TEST(TokenizerSpec, LoadsFromAFile) {
  const Opened opened(builder(testing::byte_vocabulary()));
  ASSERT_TRUE(opened.file.ok()) << opened.file.error().message();
  const auto tokenizer = Tokenizer::load(opened.file->metadata());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message();
  EXPECT_EQ((*tokenizer)->encode("hello world").size(), 2u);
}

TEST(TokenizerSpec, RefusesFilesWithoutATokenizer) {
  const Opened opened(GgufBuilder().string("general.name", "Foal"));
  ASSERT_TRUE(opened.file.ok()) << opened.file.error().message();
  const auto tokenizer = Tokenizer::load(opened.file->metadata());
  ASSERT_FALSE(tokenizer.ok());
  EXPECT_EQ(tokenizer.error().code(), ErrorCode::not_found);
  EXPECT_NE(tokenizer.error().message().find("tokenizer.ggml.model"), std::string::npos);
}

TEST(TokenizerSpec, RefusesKeysOfAnotherType) {
  const Opened opened(
      builder(testing::byte_vocabulary()).string("tokenizer.ggml.bos_token_id", "1"));
  ASSERT_TRUE(opened.file.ok()) << opened.file.error().message();
  const auto tokenizer = Tokenizer::load(opened.file->metadata());
  ASSERT_FALSE(tokenizer.ok());
  EXPECT_EQ(tokenizer.error().code(), ErrorCode::corrupt);
  EXPECT_NE(tokenizer.error().message().find("bos_token_id"), std::string::npos);
}

TEST(ChatTemplate, ReadsTheTemplatesOfAFile) {
  GgufBuilder b = builder(testing::byte_vocabulary());
  b.u32("tokenizer.ggml.bos_token_id", 265).boolean("tokenizer.ggml.add_bos_token", true);
  b.string("tokenizer.chat_template", "{{ bos_token }}plain {{ messages[0].content }}");
  b.string("tokenizer.chat_template.tool_use", "tools {{ messages[0].content }}");
  const Opened opened(b);
  ASSERT_TRUE(opened.file.ok()) << opened.file.error().message();
  const auto tokenizer = Tokenizer::load(opened.file->metadata());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message();
  const auto chat = ChatTemplate::load(opened.file->metadata(), **tokenizer);
  ASSERT_TRUE(chat.ok()) << chat.error().message();
  using Json = nlohmann::ordered_json;
  const Json messages = Json::array({Json{{"role", "user"}, {"content", "x"}}});
  EXPECT_EQ(*chat->render(messages), "plain x");
  EXPECT_EQ(*chat->render(messages, Json::array({Json::object()})), "tools x");
  const auto given = ChatTemplate::load(opened.file->metadata(), **tokenizer, "given");
  ASSERT_TRUE(given.ok());
  EXPECT_EQ(*given->render(messages, Json::array({Json::object()})), "given");
}

TEST(ChatTemplate, RefusesATemplateThatIsNoText) {
  const Opened opened(builder(testing::byte_vocabulary()).u32("tokenizer.chat_template", 1));
  ASSERT_TRUE(opened.file.ok()) << opened.file.error().message();
  const auto tokenizer = Tokenizer::load(opened.file->metadata());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message();
  const auto chat = ChatTemplate::load(opened.file->metadata(), **tokenizer);
  ASSERT_FALSE(chat.ok());
  EXPECT_EQ(chat.error().code(), ErrorCode::corrupt);
}

}  // namespace
}  // namespace troika
