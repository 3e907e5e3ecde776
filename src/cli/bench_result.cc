#include "cli/bench_result.h"

#include <algorithm>

#include "runtime/memory_check.h"

namespace troika::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string line_of(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

bool is_time(const BenchResult& result) {
  return result.unit == "ms";
}

std::string value_text(double value, const std::string& unit) {
  return unit == "bytes" ? bytes_text(value) : fmt::format("{:.2f} {}", value, unit);
}

std::string probes_text(const BenchResult& result) {
  if (result.probes.empty()) return "";
  const auto [low, high] = std::ranges::minmax_element(result.probes);
  return fmt::format("{:.1f}-{:.1f}{}", *low / 1e9, *high / 1e9, result.steady() ? "" : " !");
}

}  // namespace

std::optional<double> BenchResult::share_percent() const {
  const double median = series.median();
  if (!limit || *limit <= 0 || median <= 0) return std::nullopt;
  return 100 * (is_time(*this) ? *limit / median : median / *limit);
}

bool BenchResult::steady() const {
  if (probes.empty()) return true;
  const auto [low, high] = std::ranges::minmax_element(probes);
  return 100 * (*high - *low) <= kSteadyPercent * *high;
}

std::string head_text(const BenchMachine& machine) {
  std::string text =
      fmt::format("{} on {}; medians of {}\n", machine.model, machine.device, machine.repetitions);
  text += fmt::format("{} threads of this machine read {:.1f} GB/s\n", machine.threads,
                      machine.read_bytes_per_s / 1e9);
  for (const ComputePeak& peak : machine.peaks)
    text += fmt::format("  {}: {:.0f} G operations/s in int8, {:.0f} in f32\n", isa_name(peak.isa),
                        peak.int8_per_s / 1e9, peak.f32_per_s / 1e9);
  return text + fmt::format("{:<8} {:<22} {:>18} {:>8} {:>18} {:>6}  {}\n", "test", "of", "median",
                            "spread", "limit", "share", "GB/s around (!: changed)");
}

std::string row_text(const BenchResult& result) {
  const std::optional<double> share = result.share_percent();
  return fmt::format("{:<8} {:<22} {:>18} {:>6.1f} % {:>18} {:>6}  {}\n", result.test, result.what,
                     value_text(result.series.median(), result.unit),
                     result.series.spread_percent(),
                     result.limit ? value_text(*result.limit, result.unit) : "",
                     share ? fmt::format("{:.0f} %", *share) : "", probes_text(result));
}

std::string machine_json(const BenchMachine& machine) {
  Json peaks = Json::array();
  for (const ComputePeak& peak : machine.peaks)
    peaks.push_back({{"isa", isa_name(peak.isa)},
                     {"int8_operations_per_s", peak.int8_per_s},
                     {"f32_operations_per_s", peak.f32_per_s}});
  return line_of({{"record", "machine"},
                  {"engine", "troika"},
                  {"model", machine.model},
                  {"device", machine.device},
                  {"threads", machine.threads},
                  {"repetitions", machine.repetitions},
                  {"read_bytes_per_s", machine.read_bytes_per_s},
                  {"peaks", peaks}});
}

std::string result_json(const BenchMachine& machine, const BenchResult& result) {
  Json object = {{"record", "result"},
                 {"engine", "troika"},
                 {"model", machine.model},
                 {"device", machine.device},
                 {"test", result.test}};
  object.update(result.details);
  const Series& series = result.series;
  object.update({{"unit", result.unit},
                 {"median", series.median()},
                 {"min", series.min()},
                 {"max", series.max()},
                 {"spread_percent", series.spread_percent()},
                 {"values", series.values}});
  if (result.limit) object["limit"] = *result.limit;
  if (const auto share = result.share_percent()) object["share_percent"] = *share;
  object["probes_bytes_per_s"] = result.probes;
  object["steady"] = result.steady();
  return line_of(object);
}

nlohmann::ordered_json work_json(const StepWork& work) {
  return {{"weight_bytes", work.weight_bytes},
          {"state_bytes", work.state_bytes},
          {"int8_operations", work.int8_operations},
          {"f32_operations", work.f32_operations}};
}

}  // namespace troika::cli
