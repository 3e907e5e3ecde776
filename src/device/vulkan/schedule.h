// Puts the shaders of a program into phases: each into the earliest one in which everything that it
// reads is there. Shaders of one phase run side by side; phases wait for each other.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/result.h"
#include "device/memory_plan.h"
#include "device/vulkan/program.h"

namespace troika::vulkan {

/// What a shader reads and writes.
struct Access {
  std::vector<Slot> reads;
  std::vector<Slot> writes;
  State state_read = {};
  State state_written = {};
};

class Schedule {
 public:
  /// For a graph of `values` values (slots 0 ... values - 1) over `states` states.
  Schedule(int64_t values, int64_t states)
      : slots_(static_cast<size_t>(values)), states_(static_cast<size_t>(states)) {}

  /// A new slot of `bytes` bytes.
  Slot add_slot(int64_t bytes);
  void set_bytes(Slot slot, int64_t bytes) { use_of(slot).bytes = bytes; }

  /// Adds a shader. Everything that it reads must have been written before (see check()); a slot
  /// that several write is there when the last of them has.
  void add(Record record, const Access& access) {
    add(Command{.record = std::move(record)}, access);
  }
  /// Adds work on the host in the same way.
  void add_on_host(HostWork work, const Access& access) {
    add(Command{.on_host = std::move(work)}, access);
  }

  /// Whether every shader so far read what ones before it wrote. Errors: invalid_argument — names
  /// the first slot that was read too early.
  Status check() const;

  /// Bytes and lives of all slots, by Slot.
  std::vector<SlotLife> lives() const;
  /// All shaders in the order in which they run; the schedule is empty afterwards.
  std::vector<Command> take_commands();

 private:
  struct SlotUse {
    int64_t first = -1;  // the first phase that writes it
    int64_t made = -1;   // the last one that does
    int64_t last = -1;   // the last one that touches it
    int64_t bytes = 0;
  };
  struct StateUse {
    int64_t read = -1;  // the last phase that does
    int64_t written = -1;
  };
  void add(Command command, const Access& access);
  int64_t phase_of(const Access& access);
  void note(const Access& access, int64_t phase);
  SlotUse& use_of(Slot slot) { return slots_[static_cast<size_t>(slot)]; }
  StateUse& use_of(State state) { return states_[static_cast<size_t>(state.id)]; }

  std::vector<SlotUse> slots_;
  std::vector<StateUse> states_;
  std::vector<std::vector<Command>> phases_;
  std::optional<Slot> misread_;
};

}  // namespace troika::vulkan
