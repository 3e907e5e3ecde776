#include "serve/metrics/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "core/check.h"

namespace troika::serve {
namespace {

bool is_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
         std::all_of(name.begin(), name.end(), allowed);
}

/// Backslashes, line ends and, in label values, quotes.
void append_escaped(std::string& text, std::string_view value, bool quoted) {
  for (const char c : value) {
    if (c == '\\') {
      text += "\\\\";
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '"' && quoted) {
      text += "\\\"";
    } else {
      text += c;
    }
  }
}

std::string number(double value) {
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return std::isnan(value) ? "NaN" : fmt::format("{}", value);
}

/// {tenant="clinic",le="0.1"}; nothing where there are no labels.
std::string label_text(std::span<const std::string> names, std::span<const std::string> values,
                       std::string_view bound = "") {
  std::string text;
  const auto add = [&](std::string_view name, std::string_view value) {
    text += text.empty() ? "{" : ",";
    text += name;
    text += "=\"";
    append_escaped(text, value, true);
    text += '"';
  };
  for (size_t i = 0; i < names.size(); i++) add(names[i], values[i]);
  if (!bound.empty()) add("le", bound);
  if (!text.empty()) text += '}';
  return text;
}

void append_line(std::string& text, std::string_view name, std::string_view labels,
                 std::string_view value) {
  fmt::format_to(std::back_inserter(text), "{}{} {}\n", name, labels, value);
}

struct SeriesNames {
  std::string_view name;
  std::span<const std::string> labels;
  std::span<const std::string> values;
};

void append_series(std::string& text, const SeriesNames& of, const Counter& counter) {
  append_line(text, of.name, label_text(of.labels, of.values), fmt::format("{}", counter.value()));
}

void append_series(std::string& text, const SeriesNames& of, const Gauge& gauge) {
  append_line(text, of.name, label_text(of.labels, of.values), number(gauge.value()));
}

void append_series(std::string& text, const SeriesNames& of, const Histogram& histogram) {
  const std::string buckets = fmt::format("{}_bucket", of.name);
  const std::span<const double> bounds = histogram.bounds();
  for (size_t i = 0; i < bounds.size(); i++)
    append_line(text, buckets, label_text(of.labels, of.values, number(bounds[i])),
                fmt::format("{}", histogram.count_up_to(i)));
  const std::string all = fmt::format("{}", histogram.count_up_to(bounds.size()));
  append_line(text, buckets, label_text(of.labels, of.values, "+Inf"), all);
  const std::string labels = label_text(of.labels, of.values);
  append_line(text, fmt::format("{}_sum", of.name), labels, number(histogram.sum()));
  append_line(text, fmt::format("{}_count", of.name), labels, all);
}

template <typename Metric>
std::unique_ptr<Metric> make_metric(std::span<const double>) {
  return std::make_unique<Metric>();
}
template <>
std::unique_ptr<Histogram> make_metric(std::span<const double> bounds) {
  return std::make_unique<Histogram>(bounds);
}

}  // namespace

void Counter::raise_to(int64_t total) {
  int64_t value = value_.load(std::memory_order_relaxed);
  while (value < total && !value_.compare_exchange_weak(value, total, std::memory_order_relaxed)) {
  }
}

Histogram::Histogram(std::span<const double> bounds)
    : bounds_(bounds.begin(), bounds.end()), counts_(bounds.size() + 1) {
  TROIKA_CHECK(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void Histogram::observe(double value, int64_t count) {
  if (std::isnan(value) || count <= 0) return;
  const auto place = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<size_t>(place)].fetch_add(count, std::memory_order_relaxed);
  sum_.fetch_add(value * static_cast<double>(count), std::memory_order_relaxed);
}

int64_t Histogram::count_up_to(size_t i) const {
  int64_t count = 0;
  for (size_t bucket = 0; bucket <= i; bucket++)
    count += counts_[bucket].load(std::memory_order_relaxed);
  return count;
}

std::span<const double> seconds_bounds() {
  static constexpr double kBounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                       1,     2.5,    5,     10,   30,    60,   120, 300,  600};
  return kBounds;
}

std::span<const double> token_seconds_bounds() {
  static constexpr double kBounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                       0.01,   0.025,   0.05,   0.075, 0.1,    0.15,
                                       0.25,   0.5,     1,      2.5,   5,      10};
  return kBounds;
}

template <typename Metric>
Metric& Family<Metric>::with(std::span<const std::string_view> values) {
  TROIKA_CHECK(values.size() == labels_.size());
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names(values.begin(), values.end());
  const bool is_new = !series_.contains(names);
  if (is_new && std::ssize(series_) >= kSeriesMax) names.assign(labels_.size(), "other");
  return find_or_make(std::move(names));
}

template <typename Metric>
Metric& Family<Metric>::find_or_make(std::vector<std::string> values) {
  auto& metric = series_[std::move(values)];
  if (metric == nullptr) metric = make_metric<Metric>(bounds_);
  return *metric;
}

template class Family<Counter>;
template class Family<Gauge>;
template class Family<Histogram>;

Registry::Entry& Registry::add(std::string name, std::string help,
                               std::span<const std::string> labels) {
  TROIKA_CHECK(is_name(name));
  TROIKA_CHECK(std::all_of(labels.begin(), labels.end(), is_name));
  const auto same = [&](const Entry& entry) { return entry.name == name; };
  TROIKA_CHECK(std::none_of(entries_.begin(), entries_.end(), same));
  return entries_.emplace_back(Entry{std::move(name), std::move(help), {}, {}, {}});
}

Family<Counter>& Registry::counter(std::string name, std::string help,
                                   std::vector<std::string> labels) {
  const std::lock_guard lock(mutex_);
  Entry& entry = add(std::move(name), std::move(help), labels);
  entry.counters.reset(new Family<Counter>(std::move(labels), {}));
  return *entry.counters;
}

Family<Gauge>& Registry::gauge(std::string name, std::string help,
                               std::vector<std::string> labels) {
  const std::lock_guard lock(mutex_);
  Entry& entry = add(std::move(name), std::move(help), labels);
  entry.gauges.reset(new Family<Gauge>(std::move(labels), {}));
  return *entry.gauges;
}

Family<Histogram>& Registry::histogram(std::string name, std::string help,
                                       std::vector<std::string> labels,
                                       std::span<const double> bounds) {
  const std::lock_guard lock(mutex_);
  Entry& entry = add(std::move(name), std::move(help), labels);
  entry.histograms.reset(new Family<Histogram>(std::move(labels), bounds));
  return *entry.histograms;
}

std::string Registry::text() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  const auto append_family = [&](const Entry& entry, const auto& family, std::string_view type) {
    fmt::format_to(std::back_inserter(text), "# HELP {} ", entry.name);
    append_escaped(text, entry.help, false);
    fmt::format_to(std::back_inserter(text), "\n# TYPE {} {}\n", entry.name, type);
    const std::lock_guard family_lock(family.mutex_);
    for (const auto& [values, metric] : family.series_)
      append_series(text, {entry.name, family.labels_, values}, *metric);
  };
  for (const Entry& entry : entries_) {
    if (entry.counters) append_family(entry, *entry.counters, "counter");
    if (entry.gauges) append_family(entry, *entry.gauges, "gauge");
    if (entry.histograms) append_family(entry, *entry.histograms, "histogram");
  }
  return text;
}

}  // namespace troika::serve
