// A trained model must tell the story that was published with it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/devices.h"
#include "support/generate.h"
#include "support/models.h"
#include "text/detokenizer.h"

namespace troika::testing {
namespace {

TEST(StoryTest, ThePublishedStoryTokenForToken) {
  const auto folder = shared_fixtures("real");
  if (!folder) return;
  const auto expected = nlohmann::json::parse(read_text(*folder / "expected.json"));
  std::vector<TokenId> prompt;
  for (const int32_t id : expected["prompt_ids"]) prompt.push_back(static_cast<TokenId>(id));
  for (const NamedDevice& named : model_devices()) {
    SCOPED_TRACE(named.name);
    const auto device = named.make(2);
    const OpenModel model = open_model(*folder / "stories260K-f32.gguf", *device);
    auto engine = Engine::make(model.loaded, {.context = 512, .kv_dtype = DType::f32},
                               {.tokens = model.loaded.model.info.vocab, .end_tokens = {}});
    ASSERT_TRUE(engine.ok()) << engine.error().message();
    Request request{.prompt = prompt, .tokens_max = std::ssize(expected["greedy_ids"])};
    request.sampling.temperature = 0;
    const Written written = write_text(**engine, std::move(request));
    std::vector<int32_t> ids;
    for (const TokenId id : written.tokens) ids.push_back(static_cast<int32_t>(id));
    EXPECT_EQ(ids, expected["greedy_ids"].get<std::vector<int32_t>>());
    const auto tokenizer = Tokenizer::load(model.file->metadata());
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message();
    Detokenizer detokenizer(**tokenizer);
    std::string text;
    for (const TokenId id : written.tokens) text += detokenizer.push(id);
    EXPECT_EQ(text + detokenizer.flush(), expected["text"].get<std::string>());
  }
}

}  // namespace
}  // namespace troika::testing
