// What this machine can do at most, measured: streaming reads from memory and products in each
// instruction set, with as many threads as the work that is judged by it. A machine that is shared
// changes by itself, so ask before and after what is measured.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/aligned.h"
#include "core/cpu_features.h"
#include "core/result.h"
#include "core/thread_pool.h"

namespace troika {

/// The most operations a second; a multiplication and an addition count as two.
struct ComputePeak {
  Isa isa = Isa::portable;
  double int8_per_s = 0;
  double f32_per_s = 0;
};

struct ProbeOptions {
  int threads = 0;            // 0: one for each processor that this process may run on
  int64_t buffer_bytes = 0;   // that are read; 0: four times the last cache, 256 MiB to 1 GiB
  double measure_ms = 100;    // of each measurement
  Isa isa_max = Isa::avx512;  // the best instruction set to measure
};

/// Thread: one at a time.
class MachineProbe {
 public:
  /// Starts threads and fills a buffer of its own. Errors: invalid_argument, exhausted.
  static Result<MachineProbe> make(const ProbeOptions& options);

  /// Bytes a second that all threads together read: the fastest of some passes over the buffer.
  double read_bytes_per_s();

  /// The peaks of each instruction set that this machine has, up to the best one, which is last.
  std::vector<ComputePeak> compute_peaks();

  int threads() const { return pool_->threads(); }
  int64_t buffer_bytes() const { return buffer_.size(); }

 private:
  MachineProbe(const ProbeOptions& options, std::unique_ptr<ThreadPool> pool, AlignedBytes buffer);

  ProbeOptions options_;
  std::unique_ptr<ThreadPool> pool_;
  AlignedBytes buffer_;
};

}  // namespace troika
