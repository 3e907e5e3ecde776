// A hash map from pairs of symbols to what they merge into; asked once or twice for every byte of a
// new word. Open addressing, linear probing, load at most 1/2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace troika::text {

/// Pairs of numbers >= 0. Of equal pairs the first one added counts.
class PairTable {
 public:
  struct Entry {
    uint64_t key = kFree;
    uint32_t rank = 0;
    int32_t result = 0;
  };

  /// Makes room for `count` pairs; to be called before the first add(), with no fewer than will be
  /// added.
  void reserve(size_t count) {
    size_t places = 16;
    while (places < count * 2) places *= 2;
    places_.assign(places, {});
  }

  void add(int32_t left, int32_t right, uint32_t rank, int32_t result) {
    Entry& place = places_[slot_of(key_of(left, right))];
    if (place.key == kFree) place = {key_of(left, right), rank, result};
  }

  /// The entry of a pair, or nullptr.
  const Entry* find(int32_t left, int32_t right) const {
    const Entry& place = places_[slot_of(key_of(left, right))];
    return place.key == kFree ? nullptr : &place;
  }

 private:
  static constexpr uint64_t kFree = UINT64_MAX;

  static uint64_t key_of(int32_t left, int32_t right) {
    return (uint64_t{static_cast<uint32_t>(left)} << 32) | static_cast<uint32_t>(right);
  }

  size_t slot_of(uint64_t key) const {
    const size_t mask = places_.size() - 1;
    size_t slot =
        ((key * 0x9E3779B97F4A7C15) >> 20) & mask;  // Fibonacci hashing; the high bits are mixed
    while (places_[slot].key != kFree && places_[slot].key != key) slot = (slot + 1) & mask;
    return slot;
  }

  std::vector<Entry> places_;
};

}  // namespace troika::text
