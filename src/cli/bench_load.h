// load: from a path to the first token, and the memory that it takes.
#pragma once

#include "cli/bench_report.h"
#include "runtime/model_session.h"

namespace troika::cli {

/// What was found while the model was loaded; the machine's probe must not exist then, its buffer
/// would count.
struct LoadTimes {
  double weights_ms = 0;      // until all weights were imported
  double first_token_ms = 0;  // until a prompt of one token was answered
  int64_t peak_bytes = 0;     // the most memory until then (VmHWM); 0: the system does not tell
  int64_t file_bytes = 0;     // of all weights
};

/// A model ready to be measured. The device outlives the weights.
struct BenchModel {
  OpenModel opened;
  std::unique_ptr<Device> device;
  LoadedModel loaded;
  LoadTimes times;
};

/// Opens and imports the model, with its draft head if `draft_head`, after a check that contexts of
/// `context_tokens` in all fit the memory.
Result<BenchModel> load_for_bench(const BenchOptions& options, bool draft_head,
                                  int64_t context_tokens, const InterruptScope& interrupt,
                                  Progress& progress);

/// Prints the results of loading.
Status report_load(Bench& bench, const LoadTimes& times);

}  // namespace troika::cli
