// The promise of docs/same_bits.md for members in other processes: tokens and every logit row that
// chose one are those of one device.
#include <gtest/gtest.h>

#include <random>

#include "remote/remote_group.h"
#include "sharding/wide_model.h"
#include "support/generate.h"
#include "support/models.h"
#include "support/sanitized.h"

namespace troika::testing {
namespace {

constexpr int64_t kDepthMax = 3;

Written write(const LoadedModel& model, int prompt, double temperature) {
  const ModelInfo& info = model.model.info;
  auto engine =
      Engine::make(model, {.context = 128, .chunk_tokens = 24, .draft_tokens_max = kDepthMax},
                   {.tokens = info.vocab, .end_tokens = {}});
  EXPECT_TRUE(engine.ok()) << engine.error().message();
  Request request{.tokens_max = 12};
  std::mt19937 random(static_cast<uint32_t>(prompt));
  for (int i = 0; i < prompt; i++)
    request.prompt.push_back(static_cast<TokenId>(random() % static_cast<uint32_t>(info.vocab)));
  request.sampling = {.seed = 3, .temperature = temperature};
  request.speculation = {.type = SpecType::none, .depth_max = 0};
  if (info.draft_head) request.speculation = {.type = SpecType::mtp, .depth_max = kDepthMax};
  return write_text(**engine, std::move(request));
}

void expect_same_bits(const std::filesystem::path& path, const std::vector<Shares>& groups) {
  const auto alone = one_cpu();
  const OpenModel model = open_model(path, *alone);
  const Written greedy = write(model.loaded, 30, 0);
  const Written sampled = write(model.loaded, 65, 1.1);
  for (const Shares& shares : groups) {
    RemoteGroup group(path, shares);
    const LoadedModel& loaded = group.load();
    EXPECT_EQ(write(loaded, 30, 0), greedy) << ::testing::PrintToString(shares);
    EXPECT_EQ(write(loaded, 65, 1.1), sampled) << ::testing::PrintToString(shares);
  }
}

struct WideCase {
  const char* family;
  DType dtype;
};

std::ostream& operator<<(std::ostream& out, const WideCase& c) {
  return out << c.family << " " << dtype_info(c.dtype).name;
}

class RemoteFamiliesTest : public ::testing::TestWithParam<WideCase> {};

TEST_P(RemoteFamiliesTest, AnyNumberWritesTheSameBits) {
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) /
                                     fmt::format("remote_{}.gguf", GetParam().family);
  WideModel(GetParam().family, GetParam().dtype).write(path);
  std::vector<Shares> groups = {{1, 1}, {3, 1}, {1, 0, 5, 2}};
  if (kSanitized) groups = {{3, 1}};
  expect_same_bits(path, groups);
  std::filesystem::remove(path);
}

INSTANTIATE_TEST_SUITE_P(Families, RemoteFamiliesTest,
                         ::testing::Values(WideCase{"llama", DType::q8_0},
                                           WideCase{"qwen2", DType::q4_0},
                                           WideCase{"qwen3moe", DType::q8_0},
                                           WideCase{"qwen35", DType::q8_0},
                                           WideCase{"qwen35moe", DType::f16}));

TEST(RemoteMembersTest, TheDemoModelIsWrittenAlike) {
  expect_same_bits(model_path("troika-demo"), {{3, 1}});
}

}  // namespace
}  // namespace troika::testing
