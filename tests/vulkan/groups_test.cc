// Vulkan devices as members of groups: beside a CPU the numbers are those of the goldens, and among
// themselves the bits are those of one.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "device/cpu/cpu_device.h"
#include "device/group/group_device.h"
#include "device/vulkan/vulkan_device.h"
#include "engine/engine.h"
#include "engine/evaluate.h"
#include "sharding/wide_model.h"
#include "support/generate.h"
#include "support/models.h"
#include "support/sanitized.h"
#include "support/temporary_folder.h"

namespace troika::testing {
namespace {

/// The device that `kinds` names, a letter for each member: c, a CPU, or v, a Vulkan device. Null
/// where there is no driver.
std::unique_ptr<Device> make_group(const std::string& kinds, Shares shares) {
  std::vector<std::unique_ptr<Device>> members;
  for (const char kind : kinds) {
    auto member = kind == 'c' ? make_cpu_device({.threads = 1}) : make_vulkan_device();
    if (!member.ok()) {
      std::printf("passed over: %s\n", member.error().message().c_str());
      return nullptr;
    }
    members.push_back(std::move(*member));
  }
  if (members.size() == 1) return std::move(members[0]);
  auto group = make_group_device(std::move(members), std::move(shares));
  EXPECT_TRUE(group.ok()) << group.error().message();
  return group.ok() ? std::move(*group) : nullptr;
}

/// The logits of all tokens, and those of the draft head behind them.
std::vector<float> logits_of(Device& device, const std::filesystem::path& path,
                             const std::vector<TokenId>& tokens) {
  const OpenModel model = open_model(path, device);
  std::vector<float> rows;
  const auto take = [&rows](int64_t, std::span<const float> row) {
    rows.insert(rows.end(), row.begin(), row.end());
    return ok();
  };
  std::vector<float> drafts;
  const auto take_draft = [&drafts](int64_t, std::span<const float> row) {
    drafts.insert(drafts.end(), row.begin(), row.end());
    return ok();
  };
  const Status status =
      evaluate(model.loaded, tokens, {.chunk_tokens = 20, .kv_dtype = DType::f32}, take,
               model.loaded.model.info.draft_head ? RowSink(take_draft) : RowSink());
  EXPECT_TRUE(status.ok()) << status.error().message();
  rows.insert(rows.end(), drafts.begin(), drafts.end());
  return rows;
}

double worst_difference(const std::vector<float>& got, const std::vector<float>& want) {
  EXPECT_EQ(got.size(), want.size());
  if (got.size() != want.size()) return INFINITY;
  double worst = 0;
  for (size_t i = 0; i < got.size(); i++) {
    const double difference = std::abs(static_cast<double>(got[i]) - want[i]);
    worst = std::isfinite(difference) ? std::max(worst, difference) : INFINITY;
  }
  return worst;
}

std::vector<TokenId> some_tokens(int count) {
  std::vector<TokenId> tokens;
  for (int i = 0; i < count; i++) tokens.push_back(static_cast<TokenId>((37 * i + 11) % 320));
  return tokens;
}

class VulkanGroups : public ::testing::Test {
 protected:
  void SetUp() override {
    // Drivers keep memory until the end, which sanitizers take for lost.
    if (kSanitized) GTEST_SKIP() << "vulkan, under sanitizers";
  }
};

TEST_F(VulkanGroups, BesideACpuLogitsAreThoseOfTheGoldens) {
  const auto folder = test_data("fixtures") / "models";
  const auto group = make_group("vc", {3, 1});
  if (!group) return;
  for (const char* name : {"llama-f32", "qwen35-succ-f32"}) {
    SCOPED_TRACE(name);
    const std::vector<TokenId> tokens = read_ids(folder / (base_of(name) + ".tokens.txt"));
    std::vector<float> want;
    for (const char* kind : {".logits.npy", ".mtp.npy"}) {
      const auto path = folder / (std::string(name) + kind);
      if (!std::filesystem::exists(path)) continue;
      const Array array = read_npy(path);
      want.insert(want.end(), array.values.begin(), array.values.end());
    }
    EXPECT_LE(worst_difference(logits_of(*group, model_path(name), tokens), want), 1e-3);
  }
}

TEST_F(VulkanGroups, BesideACpuGreedyTextsAreThoseOfTheGoldens) {
  const auto folder = test_data("fixtures") / "models";
  const auto group = make_group("cv", {1, 1});
  if (!group) return;
  const OpenModel model = open_model(model_path("qwen35-succ-f32"), *group, {.draft_rows = 64});
  const std::vector<TokenId> want = read_ids(folder / "qwen35-succ-f32.greedy.txt");
  for (const SpecType drafts : {SpecType::none, SpecType::mtp}) {
    auto engine = Engine::make(model.loaded, {.context = 256, .kv_dtype = DType::f32},
                               {.tokens = model.loaded.model.info.vocab, .end_tokens = {}});
    ASSERT_TRUE(engine.ok()) << engine.error().message();
    Request request{.prompt = read_ids(folder / "qwen35-succ.tokens.txt"),
                    .tokens_max = std::ssize(want),
                    .speculation = {.type = drafts, .depth_max = 4}};
    request.sampling.temperature = 0;
    const Written written = write_text(**engine, std::move(request));
    EXPECT_EQ(written.tokens, want);
    EXPECT_EQ(written.drafts.accepted > 0, drafts == SpecType::mtp);
  }
}

// Where every axis has eight units, so that sums come in parts and experts in slices.
TEST_F(VulkanGroups, WideModelsAreThoseOfOneCpu) {
  const auto one = make_group("c", {});
  const auto group = make_group("cv", {5, 3});
  if (!group) return;
  const TemporaryFolder folder;
  for (const char* family : {"llama", "qwen2", "qwen3moe", "qwen35", "qwen35moe"}) {
    SCOPED_TRACE(family);
    const std::string path = folder / (std::string(family) + ".gguf");
    WideModel(family, DType::f32).write(path);
    const std::vector<TokenId> tokens = some_tokens(50);
    const std::vector<float> want = logits_of(*one, path, tokens);
    double size = 0;
    for (const float value : want) size = std::max(size, std::abs(static_cast<double>(value)));
    EXPECT_GT(size, 0);
    EXPECT_LE(worst_difference(logits_of(*group, path, tokens), want), 1e-3 * std::max(1.0, size));
  }
}

TEST_F(VulkanGroups, AmongThemselvesBitsAreThoseOfOne) {
  const auto one = make_group("v", {});
  if (!one) return;
  const auto two = make_group("vv", {5, 3});
  const TemporaryFolder folder;
  for (const char* family : {"llama", "qwen35moe"}) {
    SCOPED_TRACE(family);
    const std::string path = folder / (std::string(family) + ".gguf");
    WideModel(family, DType::q8_0).write(path);
    const std::vector<TokenId> tokens = some_tokens(50);
    EXPECT_EQ(logits_of(*two, path, tokens), logits_of(*one, path, tokens));
  }
}

}  // namespace
}  // namespace troika::testing
