// A device that plans and checks but computes nothing: for schedulers, servers and memory plans,
// which need no numbers. A run takes a simulated time and answers with a function of each output
// row's token and position, so a text depends on what it says and on nothing beside it in the
// batch.
//
// Weights are imported without their bytes and states have no memory, so a model of any size costs
// nothing here. What would be held is counted. Inputs are checked as strictly as device/reference
// does: ids, positions, pages, slots, units; and no two sequences of a step may write to one page.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "device/device.h"

namespace troika {

/// A step that was run.
struct NullRun {
  bool draft = false;  // of a draft head (a graph that loads hidden rows)
  int64_t tokens = 0;  // rows
  int64_t outputs = 0;
  int64_t sequences = 0;
};

struct NullOptions {
  int64_t memory_bytes = int64_t{1} << 50;  // of weights, states and buffers together
  uint64_t seed = 0;                        // of the answers
  int64_t tokens = 0;      // answers lie in [0, tokens); 0: in all of the vocabulary
  double agreement = 0.8;  // of drafts that are what the trunk will answer

  /// Milliseconds that a run takes; empty: none. Called once for each run, in order.
  std::function<double(const NullRun&)> run_ms;
  /// Where simulated time stands: each run adds to it. Borrowed; null: no time is kept. An engine
  /// reads the same number through EngineOptions::clock_ms.
  double* clock_ms = nullptr;
};

/// What a device holds and has done.
struct NullTotals {
  int64_t weight_bytes = 0;  // as in the file
  int64_t state_bytes = 0;
  int64_t buffer_bytes = 0;
  int64_t runs = 0;
  int64_t draft_runs = 0;  // of these
  int64_t rows = 0;        // of all runs
  int64_t outputs = 0;
};

/// Calls are carried out before they return; run() tells its errors itself. States take writes and
/// copies that fit, and read as zeros. Argmax of an output row
/// is null_answer() of its token and position; where the graph has logits, that token has 30 and
/// all others 0. A draft head answers as the trunk does, or, where a hash says so, otherwise; with
/// row blocks, a token outside of them is replaced by one inside.
class NullDevice : public Device {
 public:
  virtual NullTotals totals() const = 0;
};

std::unique_ptr<NullDevice> make_null_device(NullOptions options = {});

/// The answer of a trunk to `token` at `position`: one of 0 ... tokens - 1.
int32_t null_answer(uint64_t seed, int32_t token, int64_t position, int64_t tokens);

}  // namespace troika
