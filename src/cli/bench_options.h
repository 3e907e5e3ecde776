// What `troika bench` is asked to measure.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/model_flags.h"
#include "core/result.h"
#include "engine/depth_policy.h"
#include "model/model.h"

namespace troika::cli {

struct BenchOptions {
  ModelSetup model;
  std::string tests = "load,pp,tg,curve";  // or "all"
  std::vector<int64_t> prompt_tokens = {512};
  std::vector<int64_t> generate_tokens = {64};
  std::vector<int64_t> curve_tokens = {1, 2, 3, 4, 5, 6, 8, 12, 16};
  std::vector<int64_t> depths = {0, 4096};
  std::vector<int64_t> sequences = {1, 4, 8, 16};
  int64_t context = 512;  // tokens before what curve, batch, engine and fairness measure
  int64_t repetitions = 5;
  std::string prompts;  // file, for mtp and users
  int64_t answer_tokens = 128;
  SpeculationOptions speculation;
  int64_t draft_rows = kDraftRowsAuto;  // as ModelOptions takes it
  int64_t probe_mib = 0;                // of the bandwidth's buffer; 0: by the caches
  bool json = false;
  std::string svg;                     // file, or empty
  std::vector<std::string> plot_with;  // files

  bool wants(std::string_view test) const;
};

/// Counts as they are measured: in order, each once.
std::vector<int64_t> ascending(std::vector<int64_t> counts);

/// Adds all flags of the command.
void add_bench_flags(CLI::App& app, BenchOptions& options);

/// What can be seen from the flags alone. Errors: invalid_argument — a test that is not known, mtp
/// or users without prompts, a plot without its curve.
Status check_bench(const BenchOptions& options);

}  // namespace troika::cli
