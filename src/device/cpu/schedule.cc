#include "device/cpu/schedule.h"

#include <algorithm>
#include <utility>

namespace troika::cpu {

Schedule::Schedule(int64_t values, int64_t states)
    : slots_(static_cast<size_t>(values)), states_(static_cast<size_t>(states)) {}

Slot Schedule::add_slot(int64_t bytes) {
  slots_.push_back({.bytes = bytes});
  return static_cast<Slot>(slots_.size() - 1);
}

void Schedule::set_bytes(Slot slot, int64_t bytes) {
  use_of(slot).bytes = bytes;
}

void Schedule::add_row_step(Rows rows, std::unique_ptr<RowStep> row_step, const Access& access) {
  PhaseDraft& phase = place(access, rows);
  std::unique_ptr<RowChain>& chain = rows == Rows::outputs ? phase.outputs : phase.tokens;
  if (chain == nullptr) chain = std::make_unique<RowChain>(rows);
  chain->add(std::move(row_step));
}

void Schedule::add_job(std::unique_ptr<Job> job, const Access& access) {
  place(access, Rows::none).jobs.push_back(std::move(job));
}

void Schedule::add_jobs(std::unique_ptr<Job> one, std::unique_ptr<Job> other,
                        const Access& access) {
  PhaseDraft& phase = place(access, Rows::none);
  phase.jobs.push_back(std::move(one));
  phase.jobs.push_back(std::move(other));
}

Schedule::PhaseDraft& Schedule::place(const Access& access, Rows chain) {
  int64_t phase = 0;
  for (const Slot slot : access.reads) {
    if (slot < 0 || slot >= std::ssize(slots_) || use_of(slot).made < 0) {
      misread_ = misread_.value_or(slot);
      continue;
    }
    const SlotUse& use = use_of(slot);
    const bool chained = chain != Rows::none && use.rows == chain;
    phase = std::max(phase, use.made + (chained ? 0 : 1));
  }
  if (access.state_read.id >= 0) phase = std::max(phase, use_of(access.state_read).written + 1);
  if (access.state_written.id >= 0) {
    const StateUse& use = use_of(access.state_written);
    phase = std::max({phase, use.written + 1, use.read + 1});
  }
  if (!misread_) note(access, chain, phase);
  if (phase >= std::ssize(phases_)) phases_.resize(static_cast<size_t>(phase) + 1);
  return phases_[static_cast<size_t>(phase)];
}

void Schedule::note(const Access& access, Rows chain, int64_t phase) {
  for (const Slot slot : access.reads) use_of(slot).last = std::max(use_of(slot).last, phase);
  for (const Slot slot : access.writes) {
    SlotUse& use = use_of(slot);
    if (use.first < 0) use.first = phase;
    use.rows = chain;
    use.made = phase;
    use.last = std::max(use.last, phase);
  }
  if (access.state_read.id >= 0) {
    StateUse& use = use_of(access.state_read);
    use.read = std::max(use.read, phase);
  }
  if (access.state_written.id >= 0) use_of(access.state_written).written = phase;
}

Status Schedule::check() const {
  if (!misread_) return ok();
  return fail(ErrorCode::invalid_argument, "reads value {}, which is not made before it",
              *misread_);
}

std::vector<SlotLife> Schedule::lives() const {
  std::vector<SlotLife> lives;
  for (const SlotUse& use : slots_)
    lives.push_back({.bytes = use.bytes, .first = use.first, .last = use.last});
  return lives;
}

std::vector<Phase> Schedule::take_phases() {
  std::vector<Phase> phases;
  for (PhaseDraft& draft : phases_) {
    Phase& phase = phases.emplace_back(Phase{std::move(draft.jobs)});
    if (draft.tokens != nullptr) phase.jobs.push_back(std::move(draft.tokens));
    if (draft.outputs != nullptr) phase.jobs.push_back(std::move(draft.outputs));
  }
  phases_.clear();
  return phases;
}

}  // namespace troika::cpu
