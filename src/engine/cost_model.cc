#include "engine/cost_model.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace troika {
namespace {

// Variances are of the logarithm of a time.
constexpr double square(double x) {
  return x * x;
}
constexpr double kNoise = square(0.1);        // of one measurement
constexpr double kUnseen = square(1.0);       // of a knot without measurement: follow the first
constexpr double kOnce = square(0.25);        // of one that was measured once
constexpr double kLevelDrift = square(0.02);  // of the level, from step to step
constexpr double kKnotDrift = square(0.004);  // of a knot beside the level
constexpr double kSurprise = 2;               // standard deviations that count in full
constexpr double kLowDeviations = 1.5;        // what a time may well be at best
constexpr size_t kKnotsMax = 64;
constexpr double kDoubt = 0.25;  // of a time that was measured once at most, what may be true

constexpr double kTrunkRowSlope = 0.05;  // memory is the limit, most likely
constexpr double kHeadRowSlope = 0.02;   // rows that are caught up on only write keys and values
constexpr double kHeadShare = 0.1;       // of a launch of the head in a pass of the trunk

double low(double value, double variance) {
  return value * std::exp(-kLowDeviations * std::sqrt(variance));
}

}  // namespace

RowCost::RowCost(double row_slope) : row_slope_(row_slope) {
  knots_.reserve(kKnotsMax);
  blocks_.reserve(kKnotsMax);
}

bool RowCost::known() const {
  return std::ranges::any_of(knots_, [](const Knot& k) { return k.seen > 1; });
}

/// What a row adds beyond the last knot: the slope of the last two, as far as their distance makes
/// it certain.
double RowCost::slope_beyond() const {
  const Knot& last = knots_.back();
  const double expected = row_slope_ * knots_.front().fit;
  if (knots_.size() < 2) return expected;
  const Knot& before = knots_[knots_.size() - 2];
  const auto distance = static_cast<double>(last.rows - before.rows);
  const double measured = (last.fit - before.fit) / distance;
  const double noise = (last.variance + before.variance) / square(row_slope_ * distance);
  return expected + (measured - expected) / (1 + noise);
}

/// The time of `rows` beside the level.
double RowCost::relative(int64_t rows) const {
  if (knots_.empty()) return 1 + row_slope_ * static_cast<double>(rows - 1);
  const auto above = std::ranges::lower_bound(knots_, rows, {}, &Knot::rows);
  if (above == knots_.end()) {
    const auto beyond = static_cast<double>(rows - knots_.back().rows);
    return knots_.back().fit + slope_beyond() * beyond;
  }
  if (above->rows == rows) return above->fit;
  if (above == knots_.begin())
    return above->fit / (1 + row_slope_ * static_cast<double>(above->rows - rows));
  const auto below = above - 1;
  const double part =
      static_cast<double>(rows - below->rows) / static_cast<double>(above->rows - below->rows);
  return below->fit + part * (above->fit - below->fit);
}

CostEstimate RowCost::at(int64_t rows) const {
  const double scale = std::exp(level_);
  const double ms = scale * relative(rows);
  if (knots_.empty()) return {ms, ms};
  // More rows are never faster, so at best a launch takes no longer than the knot before. One time
  // alone may be an outlier: it says nothing about the best.
  const Knot* below = nullptr;
  const Knot* above = nullptr;
  for (const Knot& k : knots_) {
    if (k.seen < 2) continue;
    if (k.rows <= rows) below = &k;
    if (k.rows > rows && above == nullptr) above = &k;
  }
  if (below != nullptr) return {ms, std::min(ms, scale * low(below->fit, below->variance))};
  if (above == nullptr) return {ms, ms * kDoubt};
  const double part = static_cast<double>(rows) / static_cast<double>(above->rows);
  return {ms, std::min(ms, scale * part * low(above->fit, above->variance))};
}

RowCost::Knot& RowCost::knot(int64_t rows) {
  auto at = std::ranges::lower_bound(knots_, rows, {}, &Knot::rows);
  if (at != knots_.end() && at->rows == rows) return *at;
  const double value = relative(rows);
  return *knots_.insert(
      at, {.rows = rows, .log_ms = std::log(value), .variance = kUnseen, .fit = value});
}

/// Sets the share that each knot has in the expected time of `launches`.
void RowCost::mark_shares(std::span<const int64_t> launches, double& expected) {
  while (knots_.size() + launches.size() > kKnotsMax)
    knots_.erase(std::ranges::max_element(knots_, {}, &Knot::variance));
  for (Knot& k : knots_) k.share = 0;
  for (const int64_t rows : launches)
    if (rows > 0) knot(rows);
  double sum = 0;
  for (const int64_t rows : launches) {
    if (rows == 0) continue;
    Knot& k = knot(rows);
    const double value = std::exp(k.log_ms);
    k.share += value;
    sum += value;
  }
  for (Knot& k : knots_) k.share /= sum;
  expected = sum * std::exp(level_);
}

/// What one time alone may say at most: that rows cost as much as those of the knot before. More is
/// believed when it is seen again; for a decision between a row and several it is enough.
double RowCost::log_ms_max(const Knot& k) const {
  double log_ms = std::numeric_limits<double>::infinity();
  for (const Knot& other : knots_)
    if (other.rows < k.rows && other.seen > 1)
      log_ms =
          other.log_ms + std::log(static_cast<double>(k.rows) / static_cast<double>(other.rows));
  return log_ms;
}

void RowCost::observe(std::span<const int64_t> launches, double ms) {
  if (std::ranges::all_of(launches, [](int64_t rows) { return rows == 0; })) return;
  if (!std::isfinite(ms) || ms <= 0) return;
  const bool first = knots_.empty();
  double expected = 0;
  mark_shares(launches, expected);
  double surprise = std::log(ms / expected);
  if (first) {
    level_ += surprise;
    surprise = 0;
  }

  level_variance_ += kLevelDrift;
  bool young = false;
  double variance = level_variance_ + kNoise;
  for (Knot& k : knots_) {
    k.variance = std::min(k.variance + kKnotDrift, kUnseen);
    if (k.share > 0 && (k.seen == 0 || (k.seen == 1 && surprise < 0))) {
      k.variance = kUnseen;
      young = true;
    } else if (k.share > 0 && k.seen == 1) {
      k.variance = kNoise;
    }
    variance += square(k.share) * k.variance;
  }
  const double limit = kSurprise * std::sqrt(variance);
  if (!young) surprise = std::clamp(surprise, -limit, limit);
  for (Knot& k : knots_) {
    if (k.share == 0) continue;
    const double gain = k.share * k.variance / variance;
    k.log_ms += gain * surprise;
    k.variance *= 1 - k.share * gain;
    k.seen++;
    if (k.seen > 1) continue;
    k.variance = std::max(k.variance, kOnce);
    k.log_ms = std::min(k.log_ms, log_ms_max(k));
  }
  const double gain = level_variance_ / variance;
  level_ += gain * surprise;
  level_variance_ *= 1 - gain;
  fit();
}

/// Pools neighbours that fall, weighted by their certainty, until none falls: the nearest curve
/// that never does (pool adjacent violators).
void RowCost::fit() {
  blocks_.clear();
  const auto mean_from = [this](size_t begin, size_t end) {
    double sum = 0;
    double weights = 0;
    for (size_t i = begin; i < end; i++) {
      sum += std::exp(knots_[i].log_ms) / knots_[i].variance;
      weights += 1 / knots_[i].variance;
    }
    return sum / weights;
  };
  for (size_t i = 0; i < knots_.size(); i++) {
    size_t begin = i;
    double value = mean_from(begin, i + 1);
    while (!blocks_.empty() && knots_[blocks_.back()].fit > value) {
      begin = blocks_.back();
      blocks_.pop_back();
      value = mean_from(begin, i + 1);
    }
    blocks_.push_back(begin);
    knots_[begin].fit = value;
  }
  for (size_t b = 0; b < blocks_.size(); b++) {
    const size_t end = b + 1 < blocks_.size() ? blocks_[b + 1] : knots_.size();
    for (size_t i = blocks_[b] + 1; i < end; i++) knots_[i].fit = knots_[blocks_[b]].fit;
  }
}

void StepPlan::add(int64_t depth, int64_t catch_up) {
  rows += 1 + depth;
  for (size_t i = 0; i < static_cast<size_t>(depth); i++) draft_rows[i]++;
  if (depth > 0) draft_rows[0] += catch_up;
}

CostModel::CostModel() : trunk_(kTrunkRowSlope), head_(kHeadRowSlope) {}

void CostModel::observe(const StepPlan& plan, double draft_ms, double trunk_ms) {
  trunk_.observe(std::span(&plan.rows, 1), trunk_ms);
  if (plan.draft_rows[0] == 0) return;
  head_.observe(plan.draft_rows, draft_ms);
  head_seen_ = true;
}

CostEstimate CostModel::estimate(const StepPlan& plan) const {
  CostEstimate sum = trunk_.at(plan.rows);
  const double scale = head_seen_ ? 1 : kHeadShare * trunk_.at(1).ms;
  for (const int64_t rows : plan.draft_rows) {
    if (rows == 0) break;
    const CostEstimate launch = head_.at(rows);
    sum.ms += scale * launch.ms;
    sum.low_ms += scale * launch.low_ms;
  }
  return sum;
}

}  // namespace troika
