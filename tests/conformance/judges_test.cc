// The judges of the suite themselves: what they must let pass and what they must not.
#include <gtest/gtest.h>

#include <cmath>

#include "conformance/cuts.h"
#include "conformance/run_case.h"

namespace troika::conformance {
namespace {

using testing::OpCase;
using testing::StepInputs;

const DeviceUnderTest kFloats{.name = "floats"};
const DeviceUnderTest kEightBits{.name = "eight bits", .eight_bits = true};

TEST(Judges, AToleranceOfNothingMeansEqual) {
  const OpCase exact;
  EXPECT_EQ(disagreement(kFloats, exact, {{1, 0}}, {{1, 0}}), "");
  EXPECT_EQ(disagreement(kFloats, exact, {{-0.0F}}, {{0}}), "");
  EXPECT_NE(disagreement(kFloats, exact, {{1, 1e-9F}}, {{1, 0}}), "");
  EXPECT_NE(disagreement(kFloats, exact, {{1}}, {{1, 0}}), "");
  EXPECT_NE(disagreement(kFloats, exact, {{NAN}}, {{NAN}}), "");
}

TEST(Judges, ErrorsAreMeasuredByTheScaleOfTheCase) {
  OpCase c{.tolerance = 0.1};
  // The root mean square of 3 and 4 is 3.54.
  EXPECT_EQ(disagreement(kFloats, c, {{3.3F, 4}}, {{3, 4}}), "");
  EXPECT_NE(disagreement(kFloats, c, {{3.4F, 4}}, {{3, 4}}), "");
  c.by_element = true;
  EXPECT_EQ(disagreement(kFloats, c, {{3.25F, 4}}, {{3, 4}}), "");
  EXPECT_NE(disagreement(kFloats, c, {{3.35F, 4}}, {{3, 4}}), "");
  c.scales = [] { return std::vector<double>{1, 10}; };
  EXPECT_EQ(disagreement(kFloats, c, {{3.05F, 4.9F}}, {{3, 4}}), "");
  EXPECT_NE(disagreement(kFloats, c, {{3.15F, 4}}, {{3, 4}}), "");
}

TEST(Judges, EightBitsAreForProductsOfDevicesThatUseThem) {
  OpCase c{.tolerance = 1e-6, .eight_bits = true};
  std::vector<float> wanted(100, 1);
  std::vector<float> got(100, 1.01F);
  EXPECT_EQ(disagreement(kEightBits, c, {got}, {wanted}), "");
  EXPECT_NE(disagreement(kFloats, c, {got}, {wanted}), "");
  got[7] = 1.06F;  // one element too far out
  EXPECT_NE(disagreement(kEightBits, c, {got}, {wanted}), "");
  got.assign(100, 1.02F);  // each near enough, all together too far
  EXPECT_NE(disagreement(kEightBits, c, {got}, {wanted}), "");
  c.eight_bits = false;
  EXPECT_NE(disagreement(kEightBits, c, {got}, {wanted}), "");
}

TEST(Judges, BitsAreEqualOrNot) {
  EXPECT_EQ(unequal_bits({{1, 2}, {}}, {{1, 2}, {}}), "");
  EXPECT_NE(unequal_bits({{1, 2}}, {{1, 2}, {}}), "");
  EXPECT_NE(unequal_bits({{-0.0F}}, {{0}}), "");
  EXPECT_NE(unequal_bits({{std::nextafter(1.0F, 2.0F)}}, {{1}}), "");
  EXPECT_NE(unequal_bits({{NAN}}, {{NAN}}), "");
}

TEST(Judges, ARowMustSupportWhatItLists) {
  const DeviceUnderTest row{.matrix_types = {DType::q4_0}, .kv_types = {DType::f16}};
  EXPECT_TRUE(must_support(row, {{MatMul{}, DType::q4_0}, {Add{}, std::nullopt}}));
  EXPECT_FALSE(must_support(row, {{MatMul{}, DType::q4_0}, {Embed{}, DType::f16}}));
  EXPECT_TRUE(must_support(row, {{Attention{}, DType::f16}}));
  EXPECT_FALSE(must_support(row, {{KvWrite{}, DType::q4_0}}));
}

// Two sequences: five rows of which the last two are drafts, and two rows, the second wanted.
const StepInputs kStep{
    .token_ids = {10, 11, 12, 13, 14, 20, 21},
    .positions = {3, 4, 5, 6, 7, 0, 1},
    .spans =
        {{.row_begin = 0, .rows = 5, .position = 3, .replay = 2, .certain = 3},
         {.row_begin = 5, .rows = 2, .page_begin = 1, .state_slot = 1, .certain = 2, .fresh = 1}},
    .output_spans = {{.row_begin = 0, .rows = 2, .position = 6},
                     {.row_begin = 2, .rows = 1, .position = 1, .page_begin = 1}},
    .page_table = {7, 8},
    .output_rows = {3, 4, 6}};

TEST(Cuts, DraftsStayTogether) {
  const std::vector<Piece> pieces = cut(kStep, 2);
  ASSERT_EQ(pieces.size(), 4u);
  EXPECT_EQ(pieces[0].step.token_ids, (std::vector<int32_t>{10, 11}));
  EXPECT_EQ(pieces[0].step.spans[0].replay, 2);
  EXPECT_EQ(pieces[0].step.spans[0].certain, 2);
  EXPECT_EQ(pieces[0].step.output_rows.size(), 0u);
  EXPECT_EQ(pieces[1].step.token_ids, (std::vector<int32_t>{12}));
  EXPECT_EQ(pieces[1].step.spans[0].position, 5);
  EXPECT_EQ(pieces[1].step.spans[0].replay, 0);
  EXPECT_EQ(pieces[2].step.token_ids, (std::vector<int32_t>{13, 14}));
  EXPECT_EQ(pieces[2].step.spans[0].certain, 0);
  EXPECT_EQ(pieces[2].step.output_spans[0].position, 6);
  EXPECT_EQ(pieces[2].outputs, (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(pieces[3].step.spans[0].fresh, 1);
  EXPECT_EQ(pieces[3].step.output_rows, (std::vector<int32_t>{1}));
  EXPECT_EQ(pieces[3].step.output_spans[0].position, 1);
  EXPECT_EQ(pieces[3].outputs, (std::vector<int64_t>{2}));
}

TEST(Cuts, JoiningInAnotherOrderKeepsEveryRowWithItsSequence) {
  std::vector<Piece> pieces = cut(kStep, 100);
  ASSERT_EQ(pieces.size(), 2u);
  const Piece joined = join({pieces[1], pieces[0]});
  EXPECT_EQ(joined.step.token_ids, (std::vector<int32_t>{20, 21, 10, 11, 12, 13, 14}));
  EXPECT_EQ(joined.step.positions, (std::vector<int32_t>{0, 1, 3, 4, 5, 6, 7}));
  EXPECT_EQ(joined.step.output_rows, (std::vector<int32_t>{1, 5, 6}));
  EXPECT_EQ(joined.outputs, (std::vector<int64_t>{2, 0, 1}));
  EXPECT_EQ(joined.step.spans[1].row_begin, 2);
  EXPECT_EQ(joined.step.spans[1].rows, 5);
  EXPECT_EQ(joined.step.output_spans[1].row_begin, 1);
  EXPECT_EQ(joined.step.page_table[joined.step.spans[0].page_begin], 8);
  EXPECT_EQ(joined.step.page_table[joined.step.spans[1].page_begin], 7);
}

}  // namespace
}  // namespace troika::conformance
