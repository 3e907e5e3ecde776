#include "device/memory_plan.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace troika {
namespace {

constexpr int64_t kLineBytes = 64;

int64_t end_of(const SlotLife& slot) {
  return slot.offset + (slot.bytes + kLineBytes - 1) / kLineBytes * kLineBytes;
}

bool meet(const SlotLife& a, const SlotLife& b) {
  return a.first <= b.last && b.first <= a.last;
}

}  // namespace

int64_t plan_memory(std::span<SlotLife> slots) {
  std::vector<size_t> order(slots.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater{}, [&](size_t i) { return slots[i].bytes; });
  std::vector<const SlotLife*> placed;  // by offset
  int64_t arena_bytes = 0;
  for (const size_t i : order) {
    SlotLife& slot = slots[i];
    slot.offset = 0;
    if (slot.bytes == 0) continue;
    for (const SlotLife* other : placed) {
      if (!meet(slot, *other)) continue;
      if (end_of(slot) <= other->offset) break;
      slot.offset = std::max(slot.offset, end_of(*other));
    }
    arena_bytes = std::max(arena_bytes, end_of(slot));
    placed.insert(std::ranges::upper_bound(placed, slot.offset, {}, &SlotLife::offset), &slot);
  }
  return arena_bytes;
}

}  // namespace troika
