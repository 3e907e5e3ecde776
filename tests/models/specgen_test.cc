// Greedy generation with the draft head at forced depths, against the counts of an independent
// implementation.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/devices.h"
#include "support/generate.h"
#include "support/models.h"

namespace troika::testing {
namespace {

void check(const NamedDevice& named, const std::string& name) {
  const auto device = named.make(2);
  const OpenModel model = open_model(model_folder() / (name + ".gguf"), *device);
  const bool exact = type_of(name) == "f32";
  const auto expected = nlohmann::json::parse(read_text(model_folder() / (name + ".specgen.json")));
  const auto prompt = read_ids(model_folder() / (base_of(name) + ".tokens.txt"));
  std::vector<TokenId> plain;
  for (const auto& run : expected) {
    auto engine = Engine::make(model.loaded, {.context = 256, .kv_dtype = DType::f32},
                               {.tokens = model.loaded.model.info.vocab, .end_tokens = {}});
    ASSERT_TRUE(engine.ok()) << engine.error().message();
    const int64_t depth = run["n_max"];
    Request request{
        .prompt = prompt,
        .tokens_max = 96,
        .speculation = {.type = depth > 0 ? SpecType::mtp : SpecType::none, .depth_max = depth}};
    request.sampling.temperature = 0;
    const Written written = write_text(**engine, std::move(request));
    if (depth == 0) {
      plain = written.tokens;
      if (exact) {
        for (size_t i = 0; i < plain.size(); i++)
          EXPECT_EQ(static_cast<int32_t>(plain[i]), run["ids"][i].get<int32_t>()) << i;
      }
    }
    EXPECT_EQ(written.tokens, plain) << "depth " << depth;
    if (!exact) continue;
    const int64_t steps = run["steps"];
    const int64_t accepted = run["accepted"];
    // The other implementation drafts beyond the 96th token and counts what is accepted there; we
    // do not draft it.
    const int64_t beyond = steps + accepted - 95;
    EXPECT_EQ(written.drafts.steps, steps) << "depth " << depth;
    EXPECT_EQ(written.drafts.accepted, accepted - beyond) << "depth " << depth;
  }
}

TEST(SpecgenTest, DepthsZeroToFourWriteTheSameTextInTheExpectedSteps) {
  for (const NamedDevice& device : model_devices())
    for (const char* name : {"qwen35-succ-f32", "qwen35-succ-q8_0"}) {
      if (!std::filesystem::exists(model_folder() / (std::string(name) + ".specgen.json")))
        continue;
      SCOPED_TRACE(device.name + " " + name);
      check(device, name);
    }
}

}  // namespace
}  // namespace troika::testing
