#include "device/vulkan/schedule.h"

#include <algorithm>
#include <utility>

namespace troika::vulkan {

Slot Schedule::add_slot(int64_t bytes) {
  slots_.push_back({.bytes = bytes});
  return static_cast<Slot>(slots_.size() - 1);
}

void Schedule::add(Command command, const Access& access) {
  const int64_t phase = phase_of(access);
  if (misread_) return;
  note(access, phase);
  if (phase >= std::ssize(phases_)) phases_.resize(static_cast<size_t>(phase) + 1);
  phases_[static_cast<size_t>(phase)].push_back(std::move(command));
}

int64_t Schedule::phase_of(const Access& access) {
  int64_t phase = 0;
  for (const Slot slot : access.reads) {
    if (slot < 0 || slot >= std::ssize(slots_) || use_of(slot).made < 0)
      misread_ = misread_.value_or(slot);
    else
      phase = std::max(phase, use_of(slot).made + 1);
  }
  if (access.state_read.id >= 0) phase = std::max(phase, use_of(access.state_read).written + 1);
  if (access.state_written.id >= 0) {
    const StateUse& use = use_of(access.state_written);
    phase = std::max({phase, use.written + 1, use.read + 1});
  }
  return phase;
}

void Schedule::note(const Access& access, int64_t phase) {
  for (const Slot slot : access.reads) use_of(slot).last = std::max(use_of(slot).last, phase);
  for (const Slot slot : access.writes) {
    SlotUse& use = use_of(slot);
    use.first = use.first < 0 ? phase : std::min(use.first, phase);
    use.made = std::max(use.made, phase);
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

std::vector<Command> Schedule::take_commands() {
  std::vector<Command> commands;
  for (std::vector<Command>& phase : phases_)
    for (size_t i = 0; i < phase.size(); i++) {
      commands.push_back(std::move(phase[i]));
      commands.back().waits = i == 0 && commands.size() > 1;
    }
  phases_.clear();
  return commands;
}

}  // namespace troika::vulkan
