// The windows of one tenant's quotas: a pure state machine that is told the time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace troika::serve {

struct QuotaLimits;
struct QuotaRequest;
struct QuotaDecision;
struct QuotaStatus;

/// Counts what was taken in the last `kSeconds` seconds that began, this one included.
class SlidingMinute {
 public:
  /// One more than 60, so that what was taken at the end of a second counts a whole minute.
  static constexpr int64_t kSeconds = 61;

  /// Forgets what is too old. Seconds never go back.
  void advance(int64_t second);
  /// To the last advance()'s second, or one before it; what is too old for the window is dropped.
  void add(int64_t second, int64_t count);
  int64_t sum() const { return sum_; }
  /// The second in which the sum will have fallen to `count`, if nothing is added.
  int64_t falls_to(int64_t count) const;

 private:
  int64_t& at(int64_t second) { return counts_[static_cast<size_t>(second % kSeconds)]; }
  int64_t at(int64_t second) const { return counts_[static_cast<size_t>(second % kSeconds)]; }

  std::array<int64_t, kSeconds> counts_{};
  int64_t second_ = 0;
  int64_t sum_ = 0;
};

class QuotaWindows {
 public:
  static constexpr int64_t kDaySeconds = 86'400;

  /// @param now_s  since 1970, UTC; never less than before.
  /// The decision's reservation has no tenant yet.
  QuotaDecision reserve(double now_s, const QuotaLimits& limits, const QuotaRequest& request);

  /// Counts at `second`: negative tokens give back. What is too old for a window is not in it.
  void add(double now_s, int64_t second, int64_t requests, int64_t tokens);

  /// Of the day of the last call, whatever was added to it.
  void set_day_tokens(int64_t tokens) { day_tokens_ = tokens; }

  QuotaStatus status(double now_s, const QuotaLimits& limits);

 private:
  void advance(double now_s);
  QuotaDecision judge(double now_s, const QuotaLimits& limits, const QuotaRequest& request) const;

  SlidingMinute requests_;
  SlidingMinute tokens_;
  int64_t day_ = 0;
  int64_t day_tokens_ = 0;
};

}  // namespace troika::serve
