#include "engine/mtp_drafter.h"

#include <algorithm>
#include <limits>

namespace troika {
namespace {

SequenceInput input_of(const Sequence& sequence, int64_t position) {
  return {.pages = sequence.pages, .position = position, .state_slot = sequence.slot};
}

TokenId token_at(const Sequence& sequence, int64_t position) {
  return sequence.tokens[static_cast<size_t>(position)];
}

}  // namespace

MtpDrafter::MtpDrafter(Forward& forward, int64_t tokens, std::span<const TokenId> end_tokens)
    : forward_(forward), tokens_(tokens) {
  const int64_t blocks = forward.info().draft_blocks;
  if (blocks == 0) return;
  vocabulary_.emplace(blocks, tokens, end_tokens);
  spread_.resize(static_cast<size_t>(tokens));
}

bool MtpDrafter::rows_are_tokens() const {
  return vocabulary_ ? vocabulary_->only_tokens() : tokens_ == forward_.info().vocab;
}

Status MtpDrafter::name_rows() {
  if (!vocabulary_) return ok();
  sequences_.clear();
  for (int64_t i = 0; i < chains_.size(); i++) {
    vocabulary_->note(*chains_.request(i).sequence);
    sequences_.push_back(chains_.request(i).sequence);
  }
  named_rows_ = vocabulary_->choose(sequences_);
  return forward_.set_draft_rows(named_rows_);
}

/// A row of logits with a place for every token; those that were not computed cannot be chosen.
std::span<const float> MtpDrafter::all_rows(std::span<const float> logits) {
  if (!vocabulary_) return logits.first(static_cast<size_t>(tokens_));
  std::ranges::fill(spread_, -std::numeric_limits<float>::infinity());
  for (size_t i = 0; i < named_rows_.size(); i++) {
    const int64_t first = named_rows_[i] * kBlockRows;
    const int64_t count = std::min(kBlockRows, tokens_ - first);
    if (count > 0)
      std::copy_n(logits.data() + static_cast<int64_t>(i) * kBlockRows, count,
                  spread_.data() + first);
  }
  return spread_;
}

/// The unit of the hidden row before `position`, which is in `rows` or the row before them.
int32_t MtpDrafter::hidden_before(const FollowedRows& rows, int64_t position) const {
  const HiddenUnits& units = forward_.hidden();
  if (position == 0) return -1;
  if (rows.kept) return units.kept(rows.sequence->slot, position - 1);
  return position > rows.position ? units.scratch(rows.first_row + position - 1 - rows.position)
                                  : units.pending(rows.sequence->slot);
}

void MtpDrafter::add_cells(const FollowedRows& rows) {
  Sequence& sequence = *rows.sequence;
  StepInputs& inputs = forward_.inputs();
  // Inside a prompt the next token is known, so the cell after the last row is written too: no
  // hidden row has to outlive its step. The last cell before the answer waits for the first draft,
  // which starts from it.
  const int64_t end_rows = rows.position + rows.rows;
  const int64_t end = end_rows + (end_rows < sequence.read_end ? 1 : 0);
  inputs.begin_sequence(input_of(sequence, sequence.head_computed));
  for (int64_t p = sequence.head_computed; p < end; p++)
    inputs.add_row({.token = token_at(sequence, p), .hidden_in = hidden_before(rows, p)});
  sequence.head_computed = end;
}

DraftOffer MtpDrafter::offer(const Sequence& sequence, const SpeculationOptions&) {
  return {.source = DraftSource::mtp,
          .depth_max = forward_.options().draft_tokens_max,
          .catch_up = sequence.computed - sequence.head_computed};
}

Status MtpDrafter::follow(std::span<const FollowedRows> rows) {
  forward_.inputs().clear();
  for (const FollowedRows& followed : rows) {
    // Rows that are kept by position can wait for the next draft, until the ring comes round.
    const int64_t lag = followed.position + followed.rows - followed.sequence->head_computed;
    if (!followed.kept || lag > forward_.options().draft_tokens_max + 2) add_cells(followed);
  }
  forward_.inputs().set_output_hidden({});
  return forward_.inputs().tokens() > 0 ? forward_.run_draft() : ok();
}

Status MtpDrafter::settle(Sequence& sequence) {
  if (sequence.head_computed >= sequence.computed) return ok();
  forward_.inputs().clear();
  add_cells({.sequence = &sequence, .position = sequence.computed, .kept = true});
  forward_.inputs().set_output_hidden({});
  return forward_.run_draft();
}

void MtpDrafter::add_first_step() {
  StepInputs& inputs = forward_.inputs();
  inputs.clear();
  output_units_.clear();
  for (int64_t i = 0; i < chains_.size(); i++) {
    Sequence& sequence = *chains_.request(i).sequence;
    inputs.begin_sequence(input_of(sequence, sequence.head_computed));
    for (int64_t p = sequence.head_computed; p <= sequence.computed; p++)
      inputs.add_row({.token = token_at(sequence, p),
                      .hidden_in = p > 0 ? forward_.hidden().kept(sequence.slot, p - 1) : -1,
                      .output = p == sequence.computed});
    sequence.head_computed = sequence.computed + 1;
    output_units_.push_back(forward_.hidden().chain(sequence.slot));
  }
  inputs.set_output_hidden(output_units_);
}

void MtpDrafter::add_chained_step(int64_t depth) {
  StepInputs& inputs = forward_.inputs();
  inputs.clear();
  output_units_.clear();
  for (int64_t i = 0; i < chains_.active_at(depth); i++) {
    const Sequence& sequence = *chains_.request(i).sequence;
    const int32_t unit = forward_.hidden().chain(sequence.slot);
    inputs.begin_sequence(input_of(sequence, sequence.computed + depth));
    inputs.add_row({.hidden_in = unit, .output = true});
    output_units_.push_back(unit);
  }
  inputs.set_output_hidden(output_units_);
}

Status MtpDrafter::propose(std::span<DraftRequest> requests) {
  chains_.begin(requests, rows_are_tokens());
  if (chains_.empty()) return ok();
  TROIKA_RETURN_IF_ERROR(name_rows());
  const auto spread = [this](std::span<const float> logits) { return all_rows(logits); };
  for (int64_t depth = 0; depth < chains_.depth(); depth++) {
    if (depth == 0)
      add_first_step();
    else
      add_chained_step(depth);
    TROIKA_RETURN_IF_ERROR(depth == 0 ? forward_.run_draft() : forward_.run_draft_chained());
    TROIKA_RETURN_IF_ERROR(chains_.take(forward_, depth, forward_.draft_width(), false, spread));
  }
  return chains_.end(forward_);
}

}  // namespace troika
