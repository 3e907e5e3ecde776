#include "cli/bench_rig.h"

#include <algorithm>

namespace troika::cli {

TokenId bench_token(int64_t position, int64_t vocab) {
  constexpr int64_t kStride = 7919;  // prime
  return static_cast<TokenId>((position * kStride + 1) % vocab);
}

std::vector<TokenId> bench_tokens(int64_t count, int64_t vocab) {
  std::vector<TokenId> tokens;
  for (int64_t p = 0; p < count; p++) tokens.push_back(bench_token(p, vocab));
  return tokens;
}

Result<std::unique_ptr<BenchRig>> BenchRig::make(const LoadedModel& model,
                                                 const BenchRigOptions& options) {
  const int64_t pass_rows = options.sequences * options.pass_max;
  const int64_t tokens = options.context + options.pass_max;
  const int64_t pages = options.sequences * ((tokens + kPageTokens - 1) / kPageTokens);
  TROIKA_TRY(std::unique_ptr<Forward> forward,
             Forward::make(model, {.pages = pages,
                                   .sequences_max = options.sequences,
                                   .step_tokens_max = std::max(options.chunk_tokens, pass_rows),
                                   .step_outputs_max = pass_rows,
                                   .draft_tokens_max = options.pass_max - 1,
                                   .kv_dtype = options.kv_dtype}));
  return std::unique_ptr<BenchRig>(new BenchRig(options, pages, std::move(forward)));
}

Status BenchRig::read_until(int64_t position, const InterruptScope& interrupt) {
  for (int64_t i = 0; i < options_.sequences; i++) {
    int64_t& at = sequences_[static_cast<size_t>(i)].position;
    while (at < position) {
      if (interrupt.requested()) return fail(ErrorCode::cancelled, "interrupted");
      const int64_t rows = std::min(options_.chunk_tokens, position - at);
      forward_->inputs().clear();
      TROIKA_RETURN_IF_ERROR(add(i, rows, rows, 1));
      TROIKA_RETURN_IF_ERROR(run());
      at += rows;
    }
  }
  return ok();
}

void BenchRig::stand_behind(int64_t position, int64_t first) {
  for (int64_t i = first; i < options_.sequences; i++)
    sequences_[static_cast<size_t>(i)].position = position;
}

Status BenchRig::pass(int64_t sequences, int64_t rows) {
  forward_->inputs().clear();
  for (int64_t i = 0; i < sequences; i++) TROIKA_RETURN_IF_ERROR(add(i, rows, 1, rows));
  return run();
}

Status BenchRig::add(int64_t index, int64_t rows, int64_t certain, int64_t outputs) {
  Sequence& sequence = sequences_[static_cast<size_t>(index)];
  TROIKA_RETURN_IF_ERROR(pages_.cover(sequence.pages, sequence.position + rows));
  StepInputs& inputs = forward_->inputs();
  inputs.begin_sequence({.pages = sequence.pages,
                         .position = sequence.position,
                         .state_slot = static_cast<int32_t>(index),
                         .certain = static_cast<int32_t>(certain),
                         .fresh = sequence.position == 0});
  for (int64_t i = 0; i < rows; i++)
    inputs.add_row({.token = bench_token(sequence.position + i, forward_->info().vocab),
                    .hidden_out = forward_->hidden().scratch(inputs.tokens()),
                    .output = i >= rows - outputs});
  return ok();
}

Status BenchRig::run() {
  TROIKA_RETURN_IF_ERROR(forward_->run_trunk());
  return forward_->finish();
}

}  // namespace troika::cli
