// Every sampler, the ones that remember included: drafts change no token and no bit of a row that
// chose one. A sampler that moved by what was drafted, or drew from a stream, would show here.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "engine/scripted_drafter.h"
#include "support/devices.h"
#include "support/generate.h"
#include "support/models.h"

namespace troika::testing {
namespace {

constexpr int64_t kAnswerTokens = 48;
constexpr int64_t kPromptTokens = 40;
constexpr int64_t kDepthMax = 8;

struct NamedSampling {
  const char* name;
  std::function<void(SamplingOptions&)> set;
};

const std::vector<NamedSampling>& samplings() {
  using S = SamplingOptions;
  static const std::vector<NamedSampling> all = {
      {"dry",
       [](S& o) {
         o.dry_multiplier = 2;
         o.dry_allowed_length = 1;
       }},
      {"dry, greedy",
       [](S& o) {
         o.dry_multiplier = 2;
         o.temperature = 0;
       }},
      {"xtc",
       [](S& o) {
         o.xtc_probability = 0.5;
         o.xtc_threshold = 0.02;
       }},
      {"mirostat 1", [](S& o) { o.mirostat = 1; }},
      {"mirostat 2",
       [](S& o) {
         o.mirostat = 2;
         o.mirostat_tau = 3;
         o.mirostat_eta = 0.5;
       }},
      {"adaptive_p",
       [](S& o) {
         o.adaptive_target = 0.3;
         o.samplers.push_back(SamplerStep::adaptive_p);
       }},
      {"dynamic temperature, sigma",
       [](S& o) {
         o.dynatemp_range = 0.7;
         o.top_n_sigma = 2;
         o.typical_p = 0.9;
       }},
      {"another order", [](S& o) {
         o.repeat_penalty = 1.3;
         o.presence_penalty = 0.5;
         o.samplers = parse_samplers("temperature;min_p;top_k;penalties;top_p").value();
       }}};
  return all;
}

class Writer {
 public:
  Writer(const NamedDevice& device, const std::string& model)
      : device_(device.make(2)), model_(open_model(model_folder() / (model + ".gguf"), *device_)) {}

  const ModelInfo& info() const { return model_.loaded.model.info; }

  Written write(const NamedSampling& sampling, SpeculationOptions speculation,
                std::unique_ptr<Drafter> drafter = nullptr) const {
    auto engine = Engine::make(model_.loaded, {.context = 128, .draft_tokens_max = kDepthMax},
                               {.tokens = info().vocab, .end_tokens = {}}, std::move(drafter));
    EXPECT_TRUE(engine.ok()) << engine.error().message();
    Request request{.prompt = prompt(), .tokens_max = kAnswerTokens, .speculation = speculation};
    request.sampling.seed = 5;
    request.sampling.temperature = 1.1;
    sampling.set(request.sampling);
    return write_text(**engine, std::move(request));
  }

  /// Drafts that are right wherever `script` says so.
  Written write_scripted(const NamedSampling& sampling, const Written& answer,
                         ScriptedDrafter::Script script) const {
    std::vector<TokenId> text = prompt();
    text.insert(text.end(), answer.tokens.begin(), answer.tokens.end());
    return write(sampling, {.type = SpecType::mtp, .depth_max = kDepthMax},
                 std::make_unique<ScriptedDrafter>(std::move(text), info().vocab, script));
  }

 private:
  // Says the same more than once, so that DRY and n-grams have something to find.
  std::vector<TokenId> prompt() const {
    std::vector<TokenId> ids;
    for (int64_t i = 0; i < kPromptTokens; i++)
      ids.push_back(static_cast<TokenId>(1 + (i % 9) * 5 % (info().vocab - 1)));
    return ids;
  }

  std::unique_ptr<Device> device_;
  OpenModel model_;
};

class SamplersTest : public ::testing::TestWithParam<const char*> {};

TEST_P(SamplersTest, DraftsChangeNoToken) {
  const NamedDevice device = model_devices().back();
  if (!std::filesystem::exists(model_folder() / (std::string(GetParam()) + ".gguf")))
    GTEST_SKIP() << "no model " << GetParam();
  const Writer writer(device, GetParam());
  for (const NamedSampling& sampling : samplings()) {
    SCOPED_TRACE(sampling.name);
    const Written plain = writer.write(sampling, {.type = SpecType::none});
    ASSERT_EQ(std::ssize(plain.tokens), kAnswerTokens);
    EXPECT_EQ(
        writer.write(sampling, {.type = SpecType::ngram, .depth_max = kDepthMax, .ngram_min = 1}),
        plain);
    const Written right =
        writer.write_scripted(sampling, plain, [](int64_t, int64_t) { return true; });
    EXPECT_EQ(right, plain);
    EXPECT_EQ(right.drafts.accepted, right.drafts.proposed);
    // Every length of what is accepted, in turn.
    EXPECT_EQ(writer.write_scripted(sampling, plain,
                                    [](int64_t position, int64_t index) {
                                      return index < (position - index) % (kDepthMax + 1);
                                    }),
              plain);
    if (!writer.info().draft_head) continue;
    for (const int64_t depth : {1, 4, 8})
      EXPECT_EQ(writer.write(sampling, {.type = SpecType::mtp, .depth_max = depth}), plain);
  }
}

// Otherwise the test above would say nothing about them. The model with a head is too sure of its
// words for some.
TEST(SamplersAlone, DoSomething) {
  const std::string model = "llama-f32";
  if (!std::filesystem::exists(model_folder() / (model + ".gguf"))) GTEST_SKIP() << "no " << model;
  const Writer writer(model_devices().back(), model);
  const SpeculationOptions none{.type = SpecType::none};
  const Written usual = writer.write({"usual", [](SamplingOptions&) {}}, none);
  for (const NamedSampling& sampling : samplings())
    EXPECT_FALSE(writer.write(sampling, none) == usual) << sampling.name;
}

INSTANTIATE_TEST_SUITE_P(Models, SamplersTest, ::testing::Values("llama-f32", "qwen35-succ-q8_0"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace troika::testing
