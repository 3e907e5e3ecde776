// The forward passes of one loaded model: its states in device memory, its graphs compiled, and the
// two kinds of step, trunk and draft. Whoever calls it decides what a step holds; there is no other
// way to compute a token.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "engine/loaded_model.h"
#include "engine/step_inputs.h"

namespace troika {

/// Fixed when a Forward is made.
struct ForwardOptions {
  int64_t pages = 0;               // KV pages in all
  int64_t sequences_max = 1;       // state slots
  int64_t step_tokens_max = 512;   // rows of a step
  int64_t step_outputs_max = 512;  // output rows of a step, at most step_tokens_max
  int64_t draft_tokens_max = 8;    // unverified tokens of a sequence; log depth of recurrent states
  DType kv_dtype = DType::f16;
  int64_t checkpoints = 0;     // units beside the slots' that keep a state for later
  int64_t page_table_max = 0;  // entries of a step's page table; 0: as many as there are pages
};

/// Where hidden rows live: a scratch unit for each row of a step, then for each state slot a ring
/// over positions and one unit for the draft head's own output, then one for each checkpoint.
class HiddenUnits {
 public:
  HiddenUnits(int64_t step_tokens_max, int64_t sequences_max, int64_t draft_tokens_max);
  /// For row `row` of the running step; valid until the next step.
  int32_t scratch(int64_t row) const { return static_cast<int32_t>(row); }
  /// For `position` of the sequence in `slot`; overwritten by position + ring().
  int32_t kept(int32_t slot, int64_t position) const;
  /// For what the draft head hands to its next step, while a text is being answered.
  int32_t chain(int32_t slot) const;
  /// For the row before the first one that is not computed, while a prompt is being read: the same
  /// unit as chain(), whose time comes later.
  int32_t pending(int32_t slot) const { return chain(slot); }
  /// For that row of a state that is kept.
  int32_t checkpoint(int32_t number) const;
  /// Positions that are kept at the same time.
  int64_t ring() const { return ring_; }
  int64_t count(int64_t checkpoints) const { return scratch_ + slots_ * (ring_ + 1) + checkpoints; }

 private:
  int64_t scratch_;
  int64_t slots_;
  int64_t ring_;
};

/// Runs steps. Thread: engine.
class Forward {
 public:
  /// Allocates states and compiles the graphs. `model` is borrowed and must outlive it.
  /// Errors: exhausted — the device's memory does not suffice, with the sum wanted; unsupported;
  /// invalid_argument.
  static Result<std::unique_ptr<Forward>> make(const LoadedModel& model,
                                               const ForwardOptions& options);

  /// What make() allocates besides programs: bytes of plain buffers, and units of a state.
  static int64_t buffer_bytes(const ModelInfo& model, const ForwardOptions& options);
  static int64_t state_units(const StateSpec& spec, const ForwardOptions& options);
  /// The largest step.
  static Sizes sizes(const ForwardOptions& options) {
    return {options.step_tokens_max, options.step_outputs_max, options.sequences_max};
  }

  /// Waits for what is queued.
  ~Forward();
  Forward(const Forward&) = delete;
  Forward& operator=(const Forward&) = delete;

  const ForwardOptions& options() const { return options_; }
  const HiddenUnits& hidden() const { return hidden_; }
  const ModelInfo& info() const { return model_->model.info; }
  int64_t device_bytes() const { return device_bytes_; }  // states and step buffers
  int64_t trunk_rows() const { return trunk_rows_; }      // computed so far

  /// Queues one step of the trunk over what `inputs()` holds.
  Status run_trunk();
  /// As run_trunk(), but each row's token is the argmax that the last step left on the device, row
  /// by row.
  Status run_trunk_chained();
  /// Queues one step of the draft head over what `inputs()` holds.
  Status run_draft();
  /// As run_trunk_chained(), of the draft head.
  Status run_draft_chained();
  /// Makes the argmax of output row `row` of the last step `token`, for a chained step to read.
  Status replace_argmax(int64_t row, TokenId token);

  /// Names the rows of the vocabulary that steps of the draft head compute from now on:
  /// info().draft_blocks blocks of kBlockRows, ascending. Before the first of them.
  Status set_draft_rows(std::span<const int32_t> blocks);
  /// Logits of a row of the draft head: of all the vocabulary, or of the named blocks one after the
  /// other.
  int64_t draft_width() const;

  /// What the next step computes.
  StepInputs& inputs() { return inputs_; }

  /// Queues a copy of keys and values from one page to another, in every layer.
  Status copy_page(PageId from, PageId to);
  /// Queues the filling of all bytes of `pages`, in every layer. All ones are not a number in every
  /// KV type.
  Status fill_pages(std::span<const PageId> pages, std::byte value);
  /// Queues a copy of hidden rows, unit by unit of hidden(). Nothing without info().hidden_rows.
  Status copy_hidden(int32_t from, int32_t to);
  /// Queues a copy of the recurrent states of `slot`, log included, to checkpoint unit 0 ...
  /// options().checkpoints - 1, and of hidden unit `pending` to its hidden row.
  Status save_state(int32_t slot, int32_t pending, int32_t checkpoint);
  /// Queues the copy back, to any slot; the hidden row goes to hidden().pending(slot).
  Status restore_state(int32_t checkpoint, int32_t slot);
  /// Bytes that a checkpoint of this model takes.
  static int64_t checkpoint_bytes(const Model& model, const StateOptions& options);

  /// The states in device memory, in the order of their numbers; bytes of a unit of one, which the
  /// device arranges as it likes; and what arranges them: kind of device and KV type.
  std::span<const StateInfo> states() const { return model_->model.states; }
  int64_t unit_bytes(size_t state) const;
  std::string layout() const;
  /// Waits for the last step and reads a unit, [unit_bytes()].
  Status read_unit(size_t state, int64_t unit, std::span<std::byte> bytes);
  /// Queues the writing of a unit. `bytes` may be reused at once.
  Status write_unit(size_t state, int64_t unit, std::span<const std::byte> bytes);

  /// Queues a read of the argmax of the last step's first output rows; `rows` holds them after
  /// finish().
  Status queue_argmax(std::span<int32_t> rows);
  /// Waits for the last step and reads the argmax of its first `count` output rows. Valid until the
  /// next read.
  Result<std::span<const int32_t>> read_argmax(int64_t count);
  /// The same for logits: [count, vocab].
  Result<std::span<const float>> read_logits(int64_t count);
  /// Queues a read of the logits of output row `row` of the last step, which are `width` wide: the
  /// vocabulary, or draft_width() after a step of the draft head.
  Status queue_logits(int64_t row, int64_t width);
  /// What was queued, after finish() and until the next step: [width].
  std::span<const float> logits(int64_t row, int64_t width) const;
  /// Waits for the last step and reads `count` hidden rows from `unit` on: [count, info().hidden].
  /// Only with info().hidden_rows.
  Status read_hidden(int32_t unit, int64_t count, std::span<float> rows);
  /// Waits for everything queued.
  Status finish();

 private:
  Forward(const LoadedModel& model, const ForwardOptions& options, StepInputs inputs);
  StateOptions state_options() const;
  Status allocate_states();
  Status copy_units(size_t state, int64_t from, int64_t to);
  Status copy_recurrent(int64_t from, int64_t to);
  Status run(Executable& program, bool chained);

  const LoadedModel* model_;
  Device* device_;
  ForwardOptions options_;
  HiddenUnits hidden_;
  int64_t device_bytes_ = 0;
  int64_t trunk_rows_ = 0;
  StepInputs inputs_;
  std::vector<std::unique_ptr<Buffer>> states_;
  std::unique_ptr<Executable> trunk_, draft_;
  std::unique_ptr<Buffer> logits_, argmax_, draft_rows_;
  std::vector<int32_t> named_rows_;  // what draft_rows_ holds
  std::vector<float> host_logits_;
  std::vector<int32_t> host_argmax_;
  Event last_;
};

}  // namespace troika
