// Puts tasks into phases. A task goes into the earliest phase in which everything it reads is
// there: after the phase of a job that it reads from, and for row steps in the same phase as the
// row step of the same rows that it reads from, because one thread does both for a row.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/result.h"
#include "device/cpu/job.h"
#include "device/memory_plan.h"
#include "graph/tensor.h"

namespace troika::cpu {

/// What a task reads and writes.
struct Access {
  std::vector<Slot> reads;
  std::vector<Slot> writes;
  State state_read = {};
  State state_written = {};
};

class Schedule {
 public:
  /// For a graph of `values` values (slots 0 ... values - 1) over `states` states.
  Schedule(int64_t values, int64_t states);

  /// A new slot of `bytes` bytes.
  Slot add_slot(int64_t bytes);
  void set_bytes(Slot slot, int64_t bytes);

  /// Adds a task. Everything it reads must have been written by a task before (see check()); a slot
  /// that several tasks write is there when the last of them has.
  void add_row_step(Rows rows, std::unique_ptr<RowStep> row_step, const Access& access);
  void add_job(std::unique_ptr<Job> job, const Access& access);
  /// The same for two jobs side by side in one phase.
  void add_jobs(std::unique_ptr<Job> one, std::unique_ptr<Job> other, const Access& access);

  /// Lets a slot be to the end: others read it without a task here.
  void keep(Slot slot) { use_of(slot).last = kForever; }

  /// Whether every task so far read what tasks before it wrote. Errors: invalid_argument — names
  /// the first slot that was read too early.
  Status check() const;

  /// Bytes and lives of all slots, by Slot.
  std::vector<SlotLife> lives() const;
  /// The phases; the schedule is empty afterwards.
  std::vector<Phase> take_phases();

 private:
  static constexpr int64_t kForever = INT64_MAX;

  /// Who makes a slot, and until when it is wanted.
  struct SlotUse {
    Rows rows = Rows::none;  // of the chain that makes it, or none
    int64_t first = -1;      // the first phase that writes it
    int64_t made = -1;       // the last one that does
    int64_t last = -1;       // the last one that touches it
    int64_t bytes = 0;
  };
  struct StateUse {
    int64_t read = -1;  // the last phase that does
    int64_t written = -1;
  };
  struct PhaseDraft {
    std::unique_ptr<RowChain> tokens;
    std::unique_ptr<RowChain> outputs;
    std::vector<std::unique_ptr<Job>> jobs;
  };

  PhaseDraft& place(const Access& access, Rows chain);
  void note(const Access& access, Rows chain, int64_t phase);
  SlotUse& use_of(Slot slot) { return slots_[static_cast<size_t>(slot)]; }
  StateUse& use_of(State state) { return states_[static_cast<size_t>(state.id)]; }

  std::vector<SlotUse> slots_;
  std::vector<StateUse> states_;
  std::vector<PhaseDraft> phases_;
  std::optional<Slot> misread_;
};

}  // namespace troika::cpu
