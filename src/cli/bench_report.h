// Where results go: to stdout as they come, and what a plot needs aside.
#pragma once

#include <functional>
#include <vector>

#include "cli/bench_options.h"
#include "cli/bench_result.h"
#include "cli/interrupt.h"
#include "core/progress.h"
#include "engine/loaded_model.h"

namespace troika::cli {

/// What every measurement works with. Borrows all of it.
class Bench {
 public:
  Bench(const BenchOptions& options, MachineProbe& probe, const InterruptScope& interrupt,
        Progress& progress)
      : options_(options), probe_(probe), interrupt_(interrupt), progress_(progress) {}

  const BenchOptions& options() const { return options_; }
  const InterruptScope& interrupt() const { return interrupt_; }
  Progress& progress() { return progress_; }

  /// Measures the machine and prints the head.
  Status begin(std::string device);

  /// Calls `round` for each repetition, showing `what` as progress, and probes the machine before
  /// the first and after each. Returns the probes. Errors: those of a round; cancelled — by Ctrl-C.
  Result<std::vector<double>> repeat(std::string_view what, const std::function<Status()>& round);

  /// One probe: bytes a second.
  double probe() { return probe_.read_bytes_per_s(); }

  /// The limits of this machine as the probes around a result saw it.
  MachineLimits limits(const std::vector<double>& probes) const;

  /// Prints a result.
  Status add(BenchResult result);

  /// All results so far.
  const std::vector<BenchResult>& results() const { return results_; }
  const BenchMachine& machine() const { return machine_; }

 private:
  const BenchOptions& options_;
  MachineProbe& probe_;
  const InterruptScope& interrupt_;
  Progress& progress_;
  BenchMachine machine_;
  std::vector<BenchResult> results_;
};

}  // namespace troika::cli
