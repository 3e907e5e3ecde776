// What a step costs on this machine, learned from the times of the steps that were run. A launch is
// a pass of the trunk or of the draft head; what matters is how many rows it has, whoever they
// belong to.
//
// Each number of rows that was seen is a knot: the logarithm of its time beside a level that all
// knots share, with a variance. An observation moves both, each by its share of the variance (a
// Kalman filter without cross terms). The level drifts fast, so that a longer context or a busier
// machine moves the whole curve, also where nothing is measured now. Times jump on shared machines:
// what is far from expected counts as little as what is just surprising, and of the first two
// times of a knot the smaller is believed. A fit that never falls with the rows is what is told.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/sequence.h"

namespace troika {

/// Milliseconds, as expected and as they may well be at best: lower where little was measured.
struct CostEstimate {
  double ms = 0;
  double low_ms = 0;
};

/// The time of one launch by its rows. No clock: times are given.
class RowCost {
 public:
  /// @param row_slope  what a further row adds, as a share of a launch, until it is measured.
  explicit RowCost(double row_slope);

  /// Learns from launches that ran one after the other in `ms` milliseconds together.
  /// @param launches  the rows of each; those of 0 rows did not run. Times of nothing, or that are
  ///     not positive and finite, teach nothing. Cost: O(knots), of which there are at most 64.
  void observe(std::span<const int64_t> launches, double ms);

  /// Interpolates between knots and goes on beyond the last with the slope seen so far. `rows` is
  /// positive. Before the first observation a launch of one row takes 1 ms.
  CostEstimate at(int64_t rows) const;

  /// The same for first_row, first_row + 1, ..., one after the other. Cost: O(curve + knots).
  void curve(int64_t first_row, std::span<CostEstimate> curve) const;

  /// Whether some number of rows was measured at least twice, so that the level can be trusted.
  bool known() const;

 private:
  struct Knot {
    int64_t rows = 0;
    double log_ms = 0;    // beside level_
    double variance = 0;  // of log_ms
    int64_t seen = 0;
    double fit = 0;    // exp(log_ms) made monotone over all knots
    double share = 0;  // of the observation at hand
  };

  double relative(int64_t rows, size_t above, double slope) const;
  double slope_beyond() const;
  void mark_shares(std::span<const int64_t> launches, double& expected);
  double log_ms_max(const Knot& knot) const;
  Knot& knot(int64_t rows);
  void fit();

  double row_slope_;
  double level_ = 0;  // log of milliseconds
  double level_variance_ = 0;
  std::vector<Knot> knots_;     // by rows
  std::vector<size_t> blocks_;  // of fit(): the knots at which runs of equal values begin
};

/// Rows of the launches that draft, one for each depth, cells that are caught up on included.
using DraftRows = std::array<int64_t, kDraftTokensMax>;

/// All that is launched in a step, of all its sequences.
struct StepPlan {
  int64_t rows = 0;        // of the trunk
  DraftRows draft_rows{};  // of the head
  DraftRows model_rows{};  // of the draft model

  /// Adds a sequence that brings one token and `depth` drafts, and whose drafter has `catch_up`
  /// cells to write before the one that it drafts from. N-grams launch nothing.
  void add(int64_t depth, int64_t catch_up, DraftClass drafts = DraftClass::mtp);
};

/// Milliseconds that the drafters of a step took.
struct DraftTimes {
  double head_ms = 0;
  double model_ms = 0;
};

/// What launches take by their rows, each from the number of rows named on.
struct CostCurves {
  int64_t trunk_first = 1;
  std::vector<CostEstimate> trunk;  // [rows - trunk_first]
  std::vector<CostEstimate> head;   // [rows]; [0] is nothing
  std::vector<CostEstimate> model;  // [rows]; [0] is nothing
};

/// The time of a whole step. Thread: one.
class CostModel {
 public:
  CostModel();

  /// Learns from a step: how long its drafting and its trunk took.
  void observe(const StepPlan& plan, const DraftTimes& drafts, double trunk_ms);
  void observe(const StepPlan& plan, double head_ms, double trunk_ms) {
    observe(plan, {.head_ms = head_ms}, trunk_ms);
  }

  /// What a step of this plan will take. `plan.rows` is positive.
  CostEstimate estimate(const StepPlan& plan) const;

  /// Fills the vectors of `curves`, as long as they are: sums of them are what estimate() gives.
  void fill(CostCurves& curves) const;

  /// Whether steps were measured well enough to be compared.
  bool known() const { return trunk_.known(); }

 private:
  /// A drafter whose launches are timed. Until then a launch is a share of a pass of one row.
  struct Launcher {
    RowCost cost;
    double share;
    bool seen = false;

    void observe(const DraftRows& rows, double ms);
  };

  double scale(const Launcher& launcher) const;

  RowCost trunk_;
  Launcher head_, model_;
};

}  // namespace troika
