// A hash map from borrowed strings to small numbers: vocabularies of 150,000 tokens are built and
// asked in milliseconds. Open addressing, linear probing, load at most 1/2; entries are never
// removed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace troika::text {

/// Maps strings to numbers >= 0. The keys are views: their bytes must outlive the index.
class StringIndex {
 public:
  static constexpr int32_t kNone = -1;

  /// Makes room for `count` keys without growing.
  void reserve(size_t count) {
    size_t places = 16;
    while (places < count * 2) places *= 2;
    if (places > places_.size()) rehash(places);
  }

  /// Adds `key` with `value` unless it is there already; returns the value that is kept.
  int32_t add(std::string_view key, int32_t value) {
    if ((count_ + 1) * 2 > places_.size()) rehash(places_.empty() ? 16 : places_.size() * 2);
    const uint32_t hash = hash_of(key);
    Place& place = places_[slot_of(key, hash)];
    if (place.value != kNone) return place.value;
    place = {key, hash, value};
    ++count_;
    return value;
  }

  /// The value of `key`, or kNone.
  int32_t find(std::string_view key) const {
    return places_.empty() ? kNone : places_[slot_of(key, hash_of(key))].value;
  }

 private:
  struct Place {
    std::string_view key;
    uint32_t hash = 0;
    int32_t value = kNone;
  };

  static uint32_t hash_of(std::string_view key) {
    const uint64_t hash = std::hash<std::string_view>{}(key);
    return static_cast<uint32_t>(hash ^ (hash >> 32));
  }

  size_t slot_of(std::string_view key, uint32_t hash) const {
    const size_t mask = places_.size() - 1;
    size_t slot = hash & mask;
    while (places_[slot].value != kNone && (places_[slot].hash != hash || places_[slot].key != key))
      slot = (slot + 1) & mask;
    return slot;
  }

  void rehash(size_t places) {
    std::vector<Place> old(places);
    old.swap(places_);
    for (const Place& place : old)
      if (place.value != kNone) places_[slot_of(place.key, place.hash)] = place;
  }

  std::vector<Place> places_;
  size_t count_ = 0;
};

}  // namespace troika::text
