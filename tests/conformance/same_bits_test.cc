// The promise, op by op: batch mates, their order, chunks, drafts, threads and delays never change
// a bit of a result.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>

#include "conformance/cuts.h"
#include "conformance/run_case.h"

namespace troika::conformance {
namespace {

using testing::OpCase;
using testing::OpFamily;
using testing::StepInputs;

// Longer cases are not cut into single rows: the pieces of seven say as much, in less time.
constexpr size_t kStepsMax = 700;
constexpr int64_t kNoLimit = int64_t{1} << 40;

/// The same case with each step replaced by the steps of `pieces_of(step)`. Where the results of
/// the pieces stand is told by `pieces`.
OpCase recut(const OpCase& c, const std::function<std::vector<Piece>(const StepInputs&)>& pieces_of,
             std::vector<std::vector<Piece>>& pieces) {
  OpCase result = c;
  result.steps.clear();
  for (const StepInputs& step : c.steps) {
    pieces.push_back(pieces_of(step));
    for (const Piece& piece : pieces.back()) result.steps.push_back(piece.step);
  }
  return result;
}

/// The results of the pieces in the places of the whole steps.
Results gather(const OpCase& c, const std::vector<std::vector<Piece>>& pieces, const Results& got) {
  Results whole;
  size_t next = 0;
  for (size_t step = 0; step < pieces.size(); step++) {
    const auto rows = c.steps[step].output_rows.size();
    size_t elements = 0;
    for (size_t i = 0; i < pieces[step].size(); i++) elements += got[next + i].size();
    whole.emplace_back(elements);
    for (const Piece& piece : pieces[step]) {
      const std::vector<float>& values = got[next++];
      const size_t width = rows == 0 ? 0 : elements / rows;
      for (size_t i = 0; i < piece.outputs.size(); i++)
        std::copy_n(values.begin() + static_cast<int64_t>(i * width), width,
                    whole.back().begin() + piece.outputs[i] * static_cast<int64_t>(width));
    }
  }
  return whole;
}

/// A way to compute a step's rows in other steps.
struct Cut {
  const char* name;
  std::function<std::vector<Piece>(const StepInputs&)> pieces_of;
  bool twins = false;  // on devices with other numbers of threads, too
};

std::vector<Cut> cuts() {
  return {{"row by row", [](const StepInputs& step) { return cut(step, 1); }},
          {"in chunks of seven", [](const StepInputs& step) { return cut(step, 7); }, true},
          {"each sequence alone", [](const StepInputs& step) { return cut(step, kNoLimit); }},
          {"in the opposite order", [](const StepInputs& step) {
             std::vector<Piece> pieces = cut(step, step.spans.empty() ? 1 : kNoLimit);
             std::ranges::reverse(pieces);
             return std::vector<Piece>{join(pieces)};
           }}};
}

/// Each case is computed as a whole once on each device; all else is held against that.
class SameBits : public ::testing::TestWithParam<OpFamily> {
 protected:
  struct Made {
    DeviceUnderTest row;
    std::unique_ptr<Device> device;
    std::optional<Results> whole;  // of the running case; none: not asked for
  };

  void SetUp() override {
    for (const DeviceUnderTest& row : devices_under_test()) devices_.push_back({row, row.make()});
  }

  /// `number` counts the cases.
  void compute_whole(const OpCase& c, size_t number) {
    const std::vector<Need> needs = needs_of(c);
    for (Made& d : devices_) {
      d.whole.reset();
      if (!must_support(d.row, needs) || number % d.row.cut_every != 0) continue;
      Result<Results> whole = run_case(*d.device, c);
      ASSERT_TRUE(whole.ok()) << d.row.name << ": " << whole.error().message();
      d.whole = std::move(*whole);
    }
  }

  /// Devices of one kind have equal results.
  void compare_twins() {
    for (const Made& d : devices_) {
      if (d.row.same_bits_as.empty() || !d.whole) continue;
      const auto twin = std::ranges::find(devices_, d.row.same_bits_as,
                                          [](const Made& made) { return made.row.name; });
      ASSERT_TRUE(twin != devices_.end() && twin->whole) << d.row.same_bits_as;
      EXPECT_EQ(unequal_bits(*d.whole, *twin->whole), "") << d.row.name;
    }
  }

  void compare_pieces(const OpCase& c, const Cut& way) {
    std::vector<std::vector<Piece>> pieces;
    const OpCase other = recut(c, way.pieces_of, pieces);
    if (other.steps.size() > kStepsMax) return;
    for (const Made& d : devices_) {
      if (d.row.wraps || !d.whole || !(way.twins || d.row.same_bits_as.empty())) continue;
      const Result<Results> parts = run_case(*d.device, other);
      ASSERT_TRUE(parts.ok()) << d.row.name << ": " << parts.error().message();
      EXPECT_EQ(unequal_bits(gather(c, pieces, *parts), *d.whole), "") << d.row.name;
    }
  }

  std::vector<Made> devices_;
};

TEST_P(SameBits, HoweverStepsAreCutOnEveryDevice) {
  size_t number = 0;
  for (const OpCase& c : cases_of(GetParam())) {
    SCOPED_TRACE(c.name);
    compute_whole(c, number++);
    if (HasFatalFailure()) return;
    compare_twins();
    for (const Cut& way : c.cuts ? cuts() : std::vector<Cut>()) {
      SCOPED_TRACE(way.name);
      compare_pieces(c, way);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, SameBits, ::testing::ValuesIn(testing::op_families()),
                         [](const auto& family) { return family.param.name; });

// Drafts. A text of kText tokens, whose data are rows 0 .. kText - 1; what a draft gets wrong has
// data from the rows after them.
constexpr int32_t kText = 40;
constexpr int32_t kWrong = 60;

/// Steps of 1 + n rows, n growing and shrinking, of whose drafts the first k are right, k too.
struct Drafted {
  std::vector<StepInputs> steps;
  std::vector<std::vector<int32_t>>
      text_of;  // of each result row: its token, or -1 for a wrong one
};

/// A prompt of `prompt` tokens, then steps with `drafts(i)` drafts of which `right(i)` are right.
Drafted draft(int32_t prompt, const std::function<int32_t(int32_t)>& drafts,
              const std::function<int32_t(int32_t)>& right) {
  Drafted result;
  int32_t done = 0;
  int32_t replay = 0;
  int32_t wrong = 0;
  for (int32_t i = 0; done < kText; i++) {
    const int32_t certain = i == 0 ? prompt : 1;
    const int32_t count = std::min(kText - done, certain + (i == 0 ? 0 : drafts(i)));
    const int32_t good = std::min(count - certain, i == 0 ? 0 : right(i));
    StepInputs step{.page_table = {0}, .output_rows = testing::iota(count)};
    step.spans = {{.rows = count,
                   .position = done,
                   .replay = replay,
                   .certain = certain,
                   .fresh = i == 0 ? 1 : 0}};
    step.output_spans = step.spans;
    result.text_of.emplace_back();
    for (int32_t row = 0; row < count; row++) {
      const bool is_text = row < certain + good;
      step.token_ids.push_back(is_text ? done + row : kText + wrong++ % kWrong);
      step.positions.push_back(done + row);
      result.text_of.back().push_back(is_text ? done + row : -1);
    }
    result.steps.push_back(std::move(step));
    done += certain + good;
    replay = good;
  }
  return result;
}

/// The result rows of the text's tokens, by token.
std::map<int32_t, std::vector<float>> rows_of_text(const Drafted& d, const Results& results) {
  std::map<int32_t, std::vector<float>> rows;
  for (size_t step = 0; step < results.size(); step++) {
    const size_t width = results[step].size() / d.text_of[step].size();
    for (size_t row = 0; row < d.text_of[step].size(); row++)
      if (d.text_of[step][row] >= 0)
        rows[d.text_of[step][row]].assign(
            results[step].begin() + static_cast<int64_t>(row * width),
            results[step].begin() + static_cast<int64_t>((row + 1) * width));
  }
  return rows;
}

/// Cases over one sequence of one page and one state slot.
std::vector<OpCase> draft_cases() {
  constexpr int64_t kTokens = kText + kWrong;
  std::vector<OpCase> cases;
  for (const int64_t taps : {2, 4}) cases.push_back(testing::conv_case(33, taps, kTokens, 40000));
  for (const testing::DeltaShape& s :
       {testing::DeltaShape{1, 2, 32, 32, 40010}, testing::DeltaShape{2, 4, 64, 64, 40020}})
    cases.push_back(testing::delta_case(s, kTokens));
  for (const DType kv : kv_dtypes())
    for (const bool of_outputs : {false, true})
      cases.push_back(testing::attention_case({.heads = 4,
                                               .kv_heads = 2,
                                               .key_dim = 32,
                                               .value_dim = 32,
                                               .kv_dtype = kv,
                                               .of_outputs = of_outputs,
                                               .seed = 40030},
                                              1, kTokens, "drafts"));
  return cases;
}

TEST(SameBitsDrafts, RightAndWrongDraftsLeaveTheTextAlone) {
  const Drafted plain = draft(
      1, [](int32_t) { return 0; }, [](int32_t) { return 0; });
  std::vector<Drafted> drafted;
  for (const int32_t depth : {1, 2, 4, 8})
    for (const int32_t right : {0, 1, 3, 8})
      drafted.push_back(draft(
          5, [=](int32_t) { return depth; }, [=](int32_t) { return std::min(depth, right); }));
  drafted.push_back(draft(
      2, [](int32_t i) { return i * 5 % 9; }, [](int32_t i) { return i * 5 % 9 * (i % 3) / 2; }));
  for (const DeviceUnderTest& row : devices_under_test()) {
    const auto device = row.make();
    for (OpCase c : draft_cases()) {
      if (!must_support(row, needs_of(c))) continue;
      c.steps = plain.steps;
      const Result<Results> alone = run_case(*device, c);
      ASSERT_TRUE(alone.ok()) << row.name << ", " << c.name << ": " << alone.error().message();
      for (const Drafted& d : drafted) {
        c.steps = d.steps;
        const Result<Results> got = run_case(*device, c);
        ASSERT_TRUE(got.ok()) << row.name << ", " << c.name << ": " << got.error().message();
        EXPECT_EQ(rows_of_text(d, *got), rows_of_text(plain, *alone))
            << row.name << ", " << c.name << ", " << d.steps.size() << " steps";
      }
    }
  }
}

}  // namespace
}  // namespace troika::conformance
