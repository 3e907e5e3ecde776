// Every model fixture of a supported family and format, on every device, against the logits, draft
// rows, drafted chains and greedy texts that independent implementations gave. Limits: README.md of
// the fixtures.
#include <gtest/gtest.h>

#include <cmath>

#include "engine/engine.h"
#include "engine/evaluate.h"
#include "support/devices.h"
#include "support/models.h"

namespace troika::testing {
namespace {

struct Case {
  NamedDevice device;
  std::string model;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.model << " on " << c.device.name;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const NamedDevice& device : model_devices())
    for (const std::string& model : model_names(model_folder(), *device.make(1)))
      all.push_back({device, model});
  return all;
}

struct Limits {
  double max_abs;  // of a single logit; 0: not asked
  double nmse;     // sum of squared differences over sum of squares
  double median;   // the same of the median row
};

/// Whether rows choose experts: where activations are rounded, a row may choose another one.
bool has_experts(const Model& model) {
  return std::ranges::any_of(model.trunk.nodes(), [](const Node& node) {
    return std::holds_alternative<RouterTopK>(node.op);
  });
}

Limits limits(const Case& c, const Model& model) {
  const std::string type = type_of(c.model);
  const double median = model.info.recurrent ? 2e-2 : 2e-3;
  if (type == "f32" || c.device.float64) return {1e-3, 1e-6, 1e-6};
  return {0, has_experts(model) ? 6e-2 : median, median};
}

void expect_close(const Array& got, const Array& want, Limits limits) {
  ASSERT_EQ(got.shape, want.shape);
  double worst = 0, difference = 0, size = 0;
  std::vector<double> rows;  // the error of each
  const auto width = static_cast<size_t>(want.shape.back());
  for (size_t begin = 0; begin < got.values.size(); begin += width) {
    double row_difference = 0, row_size = 0;
    for (size_t i = begin; i < begin + width; i++) {
      const double d = static_cast<double>(got.values[i]) - want.values[i];
      ASSERT_TRUE(std::isfinite(d));
      worst = std::max(worst, std::abs(d));
      row_difference += d * d;
      row_size += static_cast<double>(want.values[i]) * want.values[i];
    }
    rows.push_back(row_difference / row_size);
    difference += row_difference;
    size += row_size;
  }
  if (limits.max_abs > 0) {
    EXPECT_LE(worst, limits.max_abs);
  }
  EXPECT_LE(difference / size, limits.nmse);
  std::ranges::sort(rows);
  EXPECT_LE(rows[rows.size() / 2], limits.median);
}

class GoldenTest : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    device_ = GetParam().device.make(2);
    model_ = open_model(path(".gguf"), *device_);
    tokens_ = read_ids(model_folder() / (base_of(GetParam().model) + ".tokens.txt"));
  }
  std::filesystem::path path(const std::string& suffix) const {
    return model_folder() / (GetParam().model + suffix);
  }
  const Model& model() const { return model_.loaded.model; }
  Limits limit() const { return limits(GetParam(), model()); }

  std::unique_ptr<Device> device_;
  OpenModel model_;
  std::vector<TokenId> tokens_;
};

TEST_P(GoldenTest, LogitsAndDraftRows) {
  Array logits{{std::ssize(tokens_), model().info.vocab}, {}};
  Array drafts = logits;
  auto into = [](Array& array) {
    return [&array](int64_t, std::span<const float> row) {
      array.values.insert(array.values.end(), row.begin(), row.end());
      return ok();
    };
  };
  const bool head = model().info.draft_head;
  const Status status =
      evaluate(model_.loaded, tokens_, {.chunk_tokens = 20, .kv_dtype = DType::f32}, into(logits),
               head ? RowSink(into(drafts)) : RowSink());
  ASSERT_TRUE(status.ok()) << status.error().message();
  expect_close(logits, read_npy(path(".logits.npy")), limit());
  if (head) expect_close(drafts, read_npy(path(".mtp.npy")), limit());
}

TEST_P(GoldenTest, GreedyTextOfFloatModels) {
  if (type_of(GetParam().model) != "f32") return;
  auto engine = Engine::make(model_.loaded, {.context = 256, .kv_dtype = DType::f32},
                             {.tokens = model().info.vocab, .end_tokens = {}});
  ASSERT_TRUE(engine.ok()) << engine.error().message();
  const std::vector<TokenId> want = read_ids(path(".greedy.txt"));
  Request request{.prompt = tokens_, .tokens_max = std::ssize(want)};
  request.sampling.temperature = 0;
  const auto id = (*engine)->submit(request);
  ASSERT_TRUE(id.ok()) << id.error().message();
  for (Result<bool> more = true; more.ok() && *more;) {
    more = (*engine)->step();
    ASSERT_TRUE(more.ok()) << more.error().message();
  }
  const Sequence& s = (*engine)->sequence(*id);
  EXPECT_EQ(std::vector(s.tokens.begin() + s.prompt_tokens, s.tokens.end()), want);
}

/// Expects that `row` chooses `want`, or comes as close to it as `slack`.
void expect_choice(std::span<const float> row, TokenId want, double slack) {
  const float best = *std::ranges::max_element(row);
  EXPECT_LE(double{best} - double{row[static_cast<size_t>(want)]}, slack)
      << static_cast<int32_t>(want);
}

/// The chain of drafts after the prompt, row by row, as the head gives them when it reads the
/// drafts of the chain and its own hidden states.
TEST_P(GoldenTest, DraftChain) {
  if (!model().info.draft_head) return;
  const std::vector<TokenId> want = read_ids(path(".mtpchain.txt"));
  const Array rows = read_npy(path(".mtpchain.npy"));
  const auto count = std::ssize(tokens_);
  auto made = Forward::make(
      model_.loaded,
      {.pages = 2, .step_tokens_max = 64, .step_outputs_max = 1, .kv_dtype = DType::f32});
  ASSERT_TRUE(made.ok()) << made.error().message();
  Forward& forward = **made;
  const std::vector<PageId> pages = {PageId{1}, PageId{0}};
  StepInputs& inputs = forward.inputs();
  auto step = [&](bool trunk, int64_t position, std::span<const TokenId> tokens, auto hidden_in,
                  int32_t out) {
    inputs.clear();
    inputs.begin_sequence({.pages = pages,
                           .position = position,
                           .certain = static_cast<int32_t>(tokens.size()),
                           .fresh = position == 0});
    for (int64_t i = 0; i < std::ssize(tokens); i++)
      inputs.add_row({.token = tokens[static_cast<size_t>(i)],
                      .hidden_in = hidden_in(i),
                      .hidden_out = static_cast<int32_t>(i),
                      .output = i + 1 == std::ssize(tokens)});
    if (!trunk) inputs.set_output_hidden(std::span(&out, 1));
    return trunk ? forward.run_trunk() : forward.run_draft();
  };
  ASSERT_TRUE(step(
                  true, 0, tokens_, [](int64_t) { return -1; }, 0)
                  .ok());
  // A row that was rounded may choose other experts, and between close tokens the other one.
  const double slack = limit().max_abs == 0 && has_experts(model()) ? 0.5 : 0;
  expect_choice(*forward.read_logits(1), want[0], slack);
  std::vector<TokenId> cells = tokens_;
  cells.push_back(want[0]);
  const int32_t link = forward.hidden().chain(0);
  Array got{{std::ssize(want) - 1, model().info.vocab}, {}};
  for (int64_t i = 0; i + 1 < std::ssize(want); i++) {
    const auto at = static_cast<size_t>(i);
    const auto status =
        i == 0
            ? step(
                  false, 0, cells, [](int64_t p) { return static_cast<int32_t>(p - 1); }, link)
            : step(
                  false, count + i, std::span(&want[at], 1), [&](int64_t) { return link; }, link);
    ASSERT_TRUE(status.ok()) << status.error().message();
    const auto row = *forward.read_logits(1);
    got.values.insert(got.values.end(), row.begin(), row.end());
    expect_choice(row, want[at + 1], slack);
  }
  expect_close(got, rows, limit());
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenTest, ::testing::ValuesIn(cases()), [](const auto& test) {
  std::string name = test.param.device.name + "_" + test.param.model;
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace troika::testing
