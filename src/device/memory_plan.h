// Places for slots in one arena: slots whose lives do not meet share memory.
#pragma once

#include <cstdint>
#include <span>

namespace troika {

/// A slot's size and life, in steps of a program, both ends included.
struct SlotLife {
  int64_t bytes = 0;
  int64_t first = 0;
  int64_t last = 0;
  int64_t offset = 0;  // the result: a multiple of 64
};

/// Sets the offsets, largest slots first, each at the lowest place that is free during its life.
/// Returns the bytes of the arena. Slots of no bytes take none. Cost: O(slots^2) at worst.
int64_t plan_memory(std::span<SlotLife> slots);

}  // namespace troika
