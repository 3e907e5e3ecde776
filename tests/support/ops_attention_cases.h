// Cases of kv_write and attention: lengths around pages (64) and partitions (512), head sizes and
// groups, ragged batches over shuffled pages.
#pragma once

#include <cmath>
#include <random>

#include "support/ops_case.h"

namespace troika::testing {

struct AttentionShape {
  int64_t heads = 2;
  int64_t kv_heads = 1;
  int64_t key_dim = 16;
  int64_t value_dim = 16;
  DType kv_dtype = DType::f16;
  bool of_outputs = false;  // queries only for the output rows
  uint32_t seed = 0;
};

/// A sequence of a ragged batch: its pages for good, and how much of it has been run.
struct TestSequence {
  std::vector<int32_t> pages;
  int32_t length = 0;
};

/// Makes steps over sequences of up to `pages_each` pages, dealt out in random order. Every token
/// has its own row of data.
class RaggedSteps {
 public:
  RaggedSteps(int64_t sequences, int64_t pages_each, uint32_t seed)
      : sequences_(static_cast<size_t>(sequences)) {
    std::vector<int32_t> pages = iota(sequences * pages_each);
    std::mt19937 random(seed);
    std::ranges::shuffle(pages, random);
    for (size_t i = 0; i < pages.size(); i++)
      sequences_[i % sequences_.size()].pages.push_back(pages[i]);
  }

  int64_t pages() const { return std::ssize(sequences_) * std::ssize(sequences_[0].pages); }
  int64_t tokens() const { return tokens_; }

  /// Goes on by rows[i] tokens of sequence order[i]; the last `wanted` of each are output rows.
  StepInputs next(const std::vector<int32_t>& order, const std::vector<int32_t>& rows,
                  int32_t wanted = 1 << 30) {
    StepInputs step;
    for (size_t i = 0; i < order.size(); i++) {
      TestSequence& sequence = sequences_[static_cast<size_t>(order[i])];
      const auto row_begin = static_cast<int32_t>(step.token_ids.size());
      const auto page_begin = static_cast<int32_t>(step.page_table.size());
      const auto output_begin = static_cast<int32_t>(step.output_rows.size());
      const int32_t outputs = std::min(wanted, rows[i]);
      const auto pages_used = (sequence.length + rows[i] + kPageTokens - 1) / kPageTokens;
      step.page_table.insert(step.page_table.end(), sequence.pages.begin(),
                             sequence.pages.begin() + pages_used);
      for (int32_t row = 0; row < rows[i]; row++) {
        step.token_ids.push_back(static_cast<int32_t>(tokens_++));
        step.positions.push_back(sequence.length + row);
        if (row >= rows[i] - outputs) step.output_rows.push_back(row_begin + row);
      }
      step.spans.push_back({.row_begin = row_begin,
                            .rows = rows[i],
                            .position = sequence.length,
                            .page_begin = page_begin,
                            .certain = rows[i]});
      sequence.length += rows[i];
      step.output_spans.push_back({.row_begin = output_begin,
                                   .rows = outputs,
                                   .position = sequence.length - outputs,
                                   .page_begin = page_begin});
    }
    return step;
  }

 private:
  std::vector<TestSequence> sequences_;
  int64_t tokens_ = 0;
};

/// A case without steps, with data for `tokens` token ids.
inline OpCase attention_case(const AttentionShape& s, int64_t pages, int64_t tokens,
                             const std::string& what) {
  OpCase c;
  c.name =
      fmt::format("attention {} heads {}/{} dims {}/{}{} {}", dtype_info(s.kv_dtype).name, s.heads,
                  s.kv_heads, s.key_dim, s.value_dim, s.of_outputs ? " outputs" : "", what);
  c.options = {.kv_dtype = s.kv_dtype};
  c.build = [=](OpRig& rig) {
    const auto rows = [&](Axis axis, int64_t heads, int64_t dim, uint32_t seed) {
      return rig.input(random_floats(tokens * heads * dim, seed), axis, heads, dim);
    };
    Tensor q = rows(Axis::heads, s.heads, s.key_dim, s.seed);
    const Tensor k = rows(Axis::kv_heads, s.kv_heads, s.key_dim, s.seed + 1);
    const Tensor v = rows(Axis::kv_heads, s.kv_heads, s.value_dim, s.seed + 2);
    const State kv = rig.state(KvState{s.kv_heads, s.key_dim, s.value_dim}, pages);
    rig.graph.kv_write(k, v, kv);
    if (s.of_outputs) q = rig.graph.gather_rows(q);
    // Twice the usual scale: a softmax with a few large weights.
    const auto scale = static_cast<float>(2 / std::sqrt(s.key_dim));
    finish(rig, rig.graph.attention({q, kv, s.kv_heads, s.value_dim, scale}));
  };
  // Values have size 1 and weights sum to 1; scores of size 10 round by 10 roundoffs, which their
  // weights then carry. The scale below is the root mean square of a step, at least 1 /
  // sqrt(length).
  c.tolerance = 2e-5;
  return c;
}

inline OpCase one_sequence(const AttentionShape& s, int32_t length, int32_t wanted) {
  RaggedSteps plan(1, length / kPageTokens + 2, s.seed);
  std::vector<StepInputs> steps = {plan.next({0}, {length}, wanted), plan.next({0}, {3}, wanted)};
  OpCase c = attention_case(s, plan.pages(), plan.tokens(), fmt::format("length {}", length));
  c.steps = std::move(steps);
  return c;
}

/// Cases of one KV type. Blocks want heads of whole blocks: such types have no smaller sizes.
inline std::vector<OpCase> attention_cases_of(DType kv, uint32_t seed) {
  std::vector<OpCase> cases;
  const int64_t block = dtype_info(kv).block;
  const int64_t least = std::max<int64_t>(block, 16);
  for (const int32_t length : {1, 2, 63, 64, 65, 127, 128, 129, 511, 512, 513})
    cases.push_back(one_sequence(
        {.key_dim = least, .value_dim = least, .kv_dtype = kv, .seed = seed++}, length, 1 << 30));
  for (const int32_t length : {511, 512, 513, 1023, 1024, 1025, 2047, 2048, 2049})
    cases.push_back(one_sequence({.heads = 4,
                                  .kv_heads = 2,
                                  .key_dim = 64,
                                  .value_dim = 64,
                                  .kv_dtype = kv,
                                  .of_outputs = true,
                                  .seed = seed++},
                                 length, 2));
  for (const int64_t dim : {8, 16, 32, 64, 128, 256})
    for (const int64_t group : {1, 2, 4, 7, 8})
      if (dim % block == 0)
        cases.push_back(one_sequence({.heads = 2 * group,
                                      .kv_heads = 2,
                                      .key_dim = dim,
                                      .value_dim = dim,
                                      .kv_dtype = kv,
                                      .of_outputs = true,
                                      .seed = seed++},
                                     66, 5));
  cases.push_back(
      one_sequence({.key_dim = 32, .value_dim = 64, .kv_dtype = kv, .seed = seed++}, 70, 1 << 30));
  for (const bool of_outputs : {false, true}) {
    RaggedSteps plan(5, 4, seed);
    std::vector<StepInputs> steps = {
        plan.next({0, 1, 2, 3, 4}, {1, 65, 130, 33, 64}, of_outputs ? 1 : 1 << 30),
        plan.next({3, 1, 4, 0}, {1, 5, 0, 70}, of_outputs ? 3 : 1 << 30),
        plan.next({4, 2, 0}, {64, 1, 1})};
    cases.push_back(attention_case({.heads = 6,
                                    .kv_heads = 2,
                                    .key_dim = 32,
                                    .value_dim = 32,
                                    .kv_dtype = kv,
                                    .of_outputs = of_outputs,
                                    .seed = seed++},
                                   plan.pages(), plan.tokens(), "ragged"));
    cases.back().steps = std::move(steps);
  }
  return cases;
}

inline std::vector<OpCase> attention_cases() {
  std::vector<OpCase> cases;
  for (const DType kv : kv_dtypes())
    for (OpCase& c : attention_cases_of(kv, 10000 + 100 * static_cast<uint32_t>(kv)))
      cases.push_back(std::move(c));
  return cases;
}

}  // namespace troika::testing
