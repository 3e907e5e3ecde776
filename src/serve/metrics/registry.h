// Metrics for Prometheus: counters, gauges and histograms, written as its text format 0.0.4.
//
// A family has a name, a help text and the names of its labels; each combination of their values is
// a series. Series are made once, ahead of time, and are then only numbers: to count from the
// engine's thread is one atomic addition, without a lock, a search or an allocation.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troika::serve {

/// Only goes up. Thread: any.
class Counter {
 public:
  void add(int64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  /// For totals that are counted elsewhere; a lower one changes nothing.
  void raise_to(int64_t total);
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_ = 0;
};

/// Goes up and down. Thread: any.
class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double value) { value_.fetch_add(value, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_ = 0;
};

/// How often values fell between bounds. Thread: any.
class Histogram {
 public:
  /// @param bounds  ascending; what is above the last is counted, too.
  explicit Histogram(std::span<const double> bounds);

  /// Cost: a search in the bounds and two atomic additions. NaN is not counted.
  void observe(double value) { observe(value, 1); }
  /// The same value `count` times.
  void observe(double value, int64_t count);

  std::span<const double> bounds() const { return bounds_; }
  /// At most bounds()[i]; i = bounds().size(): all.
  int64_t count_up_to(size_t i) const;
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  std::vector<double> bounds_;
  std::vector<std::atomic<int64_t>> counts_;  // one more than bounds
  std::atomic<double> sum_ = 0;
};

/// Of times, in seconds: from a millisecond to ten minutes.
std::span<const double> seconds_bounds();

/// Of times of a token, in seconds: from a tenth of a millisecond to ten seconds.
std::span<const double> token_seconds_bounds();

using LabelValues = std::initializer_list<std::string_view>;

/// All series of a name. Thread: any.
template <typename Metric>
class Family {
 public:
  /// The series with these values, one for each label name, in their order; made where there is
  /// none. Lives as long as the registry. Beyond kSeriesMax, all that would be new is one series
  /// whose values are "other". Cost: a lock and a search; keep what it returns.
  Metric& with(LabelValues values) {
    return with(std::span<const std::string_view>(values.begin(), values.size()));
  }
  Metric& with(std::span<const std::string_view> values);

 private:
  friend class Registry;
  Family(std::vector<std::string> labels, std::span<const double> bounds)
      : labels_(std::move(labels)), bounds_(bounds.begin(), bounds.end()) {}
  Metric& find_or_make(std::vector<std::string> values);

  const std::vector<std::string> labels_;
  const std::vector<double> bounds_;  // of histograms
  mutable std::mutex mutex_;          // guards the rest
  std::map<std::vector<std::string>, std::unique_ptr<Metric>> series_;
};

/// Of a family.
inline constexpr int64_t kSeriesMax = 100'000;

/// Owns all families. Thread: any.
class Registry {
 public:
  /// Makes a family. Names are of a-z, 0-9 and '_', each used once; to break that is a bug.
  Family<Counter>& counter(std::string name, std::string help, std::vector<std::string> labels);
  Family<Gauge>& gauge(std::string name, std::string help, std::vector<std::string> labels);
  Family<Histogram>& histogram(std::string name, std::string help, std::vector<std::string> labels,
                               std::span<const double> bounds);

  /// All of it, as "text/plain; version=0.0.4". Families in the order in which they were made,
  /// series in that of their values. Series of one moment may differ by what is counted meanwhile.
  std::string text() const;

 private:
  struct Entry {
    std::string name;
    std::string help;
    std::unique_ptr<Family<Counter>> counters;  // one of these
    std::unique_ptr<Family<Gauge>> gauges;
    std::unique_ptr<Family<Histogram>> histograms;
  };
  Entry& add(std::string name, std::string help, std::span<const std::string> labels);

  mutable std::mutex mutex_;  // guards the list; entries do not move
  std::deque<Entry> entries_;
};

}  // namespace troika::serve
