#include "cli/bench_report.h"

#include "cli/streams.h"

namespace troika::cli {

Status Bench::begin(std::string device) {
  machine_ = {.model = options_.model.path,
              .device = std::move(device),
              .threads = probe_.threads(),
              .read_bytes_per_s = probe(),
              .peaks = probe_.compute_peaks(),
              .repetitions = options_.repetitions};
  return write_stdout(options_.json ? machine_json(machine_) : head_text(machine_));
}

Result<std::vector<double>> Bench::repeat(std::string_view what,
                                          const std::function<Status()>& round) {
  std::vector<double> probes = {probe()};
  for (int64_t i = 0; i < options_.repetitions; i++) {
    if (interrupt_.requested()) return fail(ErrorCode::cancelled, "interrupted");
    progress_.show(what, i, options_.repetitions);
    TROIKA_RETURN_IF_ERROR(round());
    probes.push_back(probe());
  }
  progress_.finish();
  return probes;
}

MachineLimits Bench::limits(const std::vector<double>& probes) const {
  const ComputePeak& best = machine_.peaks.back();
  return {.bytes_per_s = Series{probes}.median(),
          .int8_per_s = best.int8_per_s,
          .f32_per_s = best.f32_per_s};
}

Status Bench::add(BenchResult result) {
  progress_.finish();
  const std::string line = options_.json ? result_json(machine_, result) : row_text(result);
  results_.push_back(std::move(result));
  return write_stdout(line);
}

}  // namespace troika::cli
