// One measurement with its limit: as a row for people and as a line of JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/series.h"
#include "device/cpu/machine_probe.h"
#include "plan/step_work.h"

namespace troika::cli {

/// Probes of one result that differ by more than this tell of a machine that changed meanwhile.
inline constexpr double kSteadyPercent = 5;

struct BenchResult {
  std::string test;  // "pp", as --tests names it
  std::string what;  // "512 tokens", for people
  std::string unit;  // "tokens/s", "ms", "bytes", "x"
  Series series;
  /// What the machine allows, in `unit`: the most of a rate, the least of a time.
  std::optional<double> limit;
  std::vector<double> probes;  // bytes a second, measured before, between and after
  nlohmann::ordered_json details = nlohmann::ordered_json::object();  // sizes and what was counted

  /// How near the median comes to the limit; nothing without one.
  std::optional<double> share_percent() const;
  /// (max - min) / max of the probes is at most kSteadyPercent.
  bool steady() const;
};

/// Where and with what it was measured: the head of a report.
struct BenchMachine {
  std::string model;   // path
  std::string device;  // name
  int threads = 0;
  double read_bytes_per_s = 0;
  std::vector<ComputePeak> peaks;
  int64_t repetitions = 0;
};

/// Lines, each ending in a newline: the machine and the head of the table; a row of it.
std::string head_text(const BenchMachine& machine);
std::string row_text(const BenchResult& result);

/// Objects of one line, ending in a newline. The record of each says which it is.
std::string machine_json(const BenchMachine& machine);
std::string result_json(const BenchMachine& machine, const BenchResult& result);

/// The counts of `work` as fields.
nlohmann::ordered_json work_json(const StepWork& work);

}  // namespace troika::cli
