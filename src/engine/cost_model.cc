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
constexpr double kModelRowSlope = 0.05;
constexpr double kModelShare = 0.2;  // of a launch of the draft model

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

/// The time of `rows` beside the level; `above` is the first knot that has as many or more, `slope`
/// what rows beyond the last one add.
double RowCost::relative(int64_t rows, size_t above, double slope) const {
  if (knots_.empty()) return 1 + row_slope_ * static_cast<double>(rows - 1);
  if (above == knots_.size())
    return knots_.back().fit + slope * static_cast<double>(rows - knots_.back().rows);
  const Knot& end = knots_[above];
  if (end.rows == rows) return end.fit;
  if (above == 0) return end.fit / (1 + row_slope_ * static_cast<double>(end.rows - rows));
  const Knot& begin = knots_[above - 1];
  const double part =
      static_cast<double>(rows - begin.rows) / static_cast<double>(end.rows - begin.rows);
  return begin.fit + part * (end.fit - begin.fit);
}

CostEstimate RowCost::at(int64_t rows) const {
  CostEstimate estimate;
  curve(rows, std::span(&estimate, 1));
  return estimate;
}

void RowCost::curve(int64_t first_row, std::span<CostEstimate> curve) const {
  const double scale = std::exp(level_);
  const double slope = knots_.empty() ? 0 : slope_beyond();
  // More rows are never faster, so at best a launch takes no longer than the knot before. One time
  // alone may be an outlier: it says nothing about the best.
  const auto next_sure = [this](size_t from) {
    while (from < knots_.size() && knots_[from].seen < 2) from++;
    return from;
  };
  const auto low_of = [this, scale](size_t knot) {
    return scale * low(knots_[knot].fit, knots_[knot].variance);
  };
  size_t above = 0;
  size_t sure = next_sure(0);  // the first of more rows
  double sure_low = sure < knots_.size() ? low_of(sure) : 0;
  double below_low = 0;  // of the last sure knot of as many rows or fewer; 0: there is none
  for (size_t i = 0; i < curve.size(); i++) {
    const int64_t rows = first_row + static_cast<int64_t>(i);
    while (above < knots_.size() && knots_[above].rows < rows) above++;
    while (sure < knots_.size() && knots_[sure].rows <= rows) {
      below_low = sure_low;
      sure = next_sure(sure + 1);
      if (sure < knots_.size()) sure_low = low_of(sure);
    }
    const double ms = scale * relative(rows, above, slope);
    if (knots_.empty())
      curve[i] = {ms, ms};
    else if (below_low > 0)
      curve[i] = {ms, std::min(ms, below_low)};
    else if (sure == knots_.size())
      curve[i] = {ms, ms * kDoubt};
    else
      curve[i] = {ms, std::min(ms, sure_low * static_cast<double>(rows) /
                                       static_cast<double>(knots_[sure].rows))};
  }
}

RowCost::Knot& RowCost::knot(int64_t rows) {
  auto at = std::ranges::lower_bound(knots_, rows, {}, &Knot::rows);
  if (at != knots_.end() && at->rows == rows) return *at;
  const double value = relative(rows, static_cast<size_t>(at - knots_.begin()),
                                at == knots_.end() && !knots_.empty() ? slope_beyond() : 0);
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

void StepPlan::add(int64_t depth, int64_t catch_up, DraftClass drafts) {
  rows += 1 + depth;
  if (depth == 0 || drafts == DraftClass::ngram) return;
  DraftRows& launches = drafts == DraftClass::mtp ? draft_rows : model_rows;
  for (size_t i = 0; i < static_cast<size_t>(depth); i++) launches[i]++;
  launches[0] += catch_up;
}

CostModel::CostModel()
    : trunk_(kTrunkRowSlope),
      head_{RowCost(kHeadRowSlope), kHeadShare},
      model_{RowCost(kModelRowSlope), kModelShare} {}

void CostModel::Launcher::observe(const DraftRows& rows, double ms) {
  if (rows[0] == 0) return;
  cost.observe(rows, ms);
  seen = true;
}

void CostModel::observe(const StepPlan& plan, const DraftTimes& drafts, double trunk_ms) {
  trunk_.observe(std::span(&plan.rows, 1), trunk_ms);
  head_.observe(plan.draft_rows, drafts.head_ms);
  model_.observe(plan.model_rows, drafts.model_ms);
}

double CostModel::scale(const Launcher& launcher) const {
  return launcher.seen ? 1 : launcher.share * trunk_.at(1).ms;
}

CostEstimate CostModel::estimate(const StepPlan& plan) const {
  CostEstimate sum = trunk_.at(plan.rows);
  const auto add = [&](const Launcher& launcher, const DraftRows& launches) {
    if (launches[0] == 0) return;
    const double times = scale(launcher);
    for (const int64_t rows : launches) {
      if (rows == 0) break;
      const CostEstimate launch = launcher.cost.at(rows);
      sum.ms += times * launch.ms;
      sum.low_ms += times * launch.low_ms;
    }
  };
  add(head_, plan.draft_rows);
  add(model_, plan.model_rows);
  return sum;
}

void CostModel::fill(CostCurves& curves) const {
  trunk_.curve(curves.trunk_first, curves.trunk);
  const auto fill_launches = [this](const Launcher& launcher, std::span<CostEstimate> curve) {
    if (curve.empty()) return;
    curve[0] = {};
    launcher.cost.curve(1, curve.subspan(1));
    const double times = scale(launcher);
    for (CostEstimate& launch : curve) launch = {times * launch.ms, times * launch.low_ms};
  };
  fill_launches(head_, curves.head);
  fill_launches(model_, curves.model);
}

}  // namespace troika
