// What a program is made of. A phase is some jobs that do not depend on each other; it begins when
// all items of the one before are finished. A job splits its work by output into items, which any
// thread may take in any order.
//
// A row step computes one row of a value from the same row of others. Row steps that follow each
// other are done row by row by one thread, without waiting in between: a RowChain.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "device/cpu/step.h"

namespace troika::cpu {

class Job {
 public:
  virtual ~Job() = default;
  /// How many items there are in this step; 0 costs nothing.
  virtual int64_t items(const Step& step) const = 0;
  /// How many items a thread takes at a time, at least.
  virtual int64_t run_min() const { return 1; }
  /// About how many multiply-adds this step takes; jobs that never weigh much say nothing.
  virtual int64_t work(const Step&) const { return 0; }
  /// The weights that `thread` reads first when its items come, in the order in which it does; to
  /// be fetched while it waits for others. Empty if it reads none, or so many rows share them that
  /// reading does not limit.
  virtual std::span<const std::byte> weights_ahead(const Step&, int /*thread*/) const { return {}; }
  /// Does the items [begin, end). Neither allocates nor fails.
  virtual void run(const Step& step, int64_t begin, int64_t end, int thread) const = 0;
};

class RowStep {
 public:
  virtual ~RowStep() = default;
  virtual void run(const Step& step, int64_t row) const = 0;
};

/// Row steps over the same rows, in order.
class RowChain final : public Job {
 public:
  explicit RowChain(Rows rows) : rows_(rows) {}
  void add(std::unique_ptr<RowStep> step) { steps_.push_back(std::move(step)); }
  bool empty() const { return steps_.empty(); }

  int64_t items(const Step& step) const override { return step.rows(rows_); }
  void run(const Step& step, int64_t begin, int64_t end, int) const override {
    for (int64_t row = begin; row < end; row++)
      for (const auto& row_step : steps_) row_step->run(step, row);
  }

 private:
  Rows rows_;
  std::vector<std::unique_ptr<RowStep>> steps_;
};

/// Jobs side by side.
struct Phase {
  std::vector<std::unique_ptr<Job>> jobs;
};

}  // namespace troika::cpu
