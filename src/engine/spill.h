// Texts that are set aside with all that was computed of them: pages, states and the hidden row go
// to host memory within a budget and come back with the same bits. Whether that is cheaper than to
// compute them again is for cheaper_preemption() to say.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/aligned.h"
#include "core/result.h"
#include "engine/forward.h"
#include "engine/preemption.h"
#include "engine/sequence.h"

namespace troika {

class Spill;

/// What lies there of one text, until it is destroyed. The Spill outlives it.
class SpilledText {
 public:
  SpilledText(SpilledText&& other) noexcept;
  SpilledText& operator=(SpilledText&& other) noexcept;
  ~SpilledText();

  /// That pages must cover before restore().
  int64_t tokens() const { return std::max(computed_, head_computed_); }

 private:
  friend class Spill;
  SpilledText(Spill& spill, const Sequence& s)
      : spill_(&spill), computed_(s.computed), head_computed_(s.head_computed), replay_(s.replay) {}

  Spill* spill_;
  std::vector<int32_t> blocks_;
  int64_t computed_;
  int64_t head_computed_;
  int32_t replay_;
};

/// Thread: engine. Not between the gathering of a step and its end.
class Spill {
 public:
  /// Takes memory, as much as bytes_held(). `forward` is borrowed. Errors: exhausted.
  static Result<std::unique_ptr<Spill>> make(Forward& forward, int64_t bytes);

  /// What is taken for a budget of `bytes`.
  static int64_t bytes_held(int64_t bytes) { return bytes / kBlockBytes * kBlockBytes; }

  /// Copies what is computed of `s`, which has a slot and whose drafters are settled. Nothing where
  /// there is no room. @param clock_ms  for costs().
  Result<std::optional<SpilledText>> save(const Sequence& s,
                                          const std::function<double()>& clock_ms);

  /// Copies it back to `s`, which has a slot and pages for text.tokens() tokens and is else as it
  /// was.
  Status restore(const SpilledText& text, Sequence& s, const std::function<double()>& clock_ms);

  /// What that costs, in rows of a prompt of `row_ms` each.
  PreemptionCosts costs(double row_ms) const;

  int64_t saved() const { return saved_; }  // texts, so far
  int64_t bytes_free() const { return std::ssize(free_) * kBlockBytes; }

 private:
  friend class SpilledText;
  static constexpr int64_t kBlockBytes = 1 << 16;

  Spill(Forward& forward, AlignedBytes memory);
  int64_t bytes_of(const Sequence& s, int64_t tokens) const;
  std::span<std::byte> block(int32_t number) const {
    return {memory_.data() + number * kBlockBytes, static_cast<size_t>(kBlockBytes)};
  }
  void learn(int64_t bytes, double ms);

  Forward& forward_;
  AlignedBytes memory_;
  std::vector<int32_t> free_;
  std::vector<std::byte> unit_;  // on its way
  int64_t saved_ = 0;
  double byte_ms_;  // one way
};

}  // namespace troika
