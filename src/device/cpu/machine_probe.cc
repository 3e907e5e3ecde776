#include "device/cpu/machine_probe.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>

#include "device/cpu/kernels/probe.h"

namespace troika {
namespace {

constexpr int64_t kRunBytes = int64_t{1} << 20;  // that a thread takes at a time

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

cpu::ProbeKernels kernels_of(Isa isa) {
  switch (isa) {
    case Isa::avx512:
      return cpu::avx512_probe_kernels();
    case Isa::avx2:
      return cpu::avx2_probe_kernels();
    case Isa::portable:
      break;
  }
  return cpu::portable_probe_kernels();
}

int64_t standard_buffer_bytes() {
  const int64_t cache = std::max<int64_t>(0, sysconf(_SC_LEVEL3_CACHE_SIZE));
  return std::clamp(4 * cache, int64_t{256} << 20, int64_t{1} << 30);
}

/// Calls `work` again and again for `measure_ms`, at least twice; the most that it did a second,
/// where one call does `amount`. The first call only warms up.
template <typename Work>
double best_per_s(double measure_ms, double amount, Work&& work) {
  work();
  double best = 0;
  const Clock::time_point start = Clock::now();
  do {
    const Clock::time_point begin = Clock::now();
    work();
    best = std::max(best, amount / std::max(seconds_since(begin), 1e-9));
  } while (seconds_since(start) * 1e3 < measure_ms);
  return best;
}

/// Operations a second of all threads: each takes portions of `kernel(rounds)`.
template <typename Kernel>
double operations_per_s(ThreadPool& pool, double measure_ms, int64_t operations, Kernel kernel) {
  constexpr int64_t kPortionsOfThread = 64;
  constexpr int64_t kPortionOperations = int64_t{1} << 21;
  const int64_t rounds = std::max<int64_t>(1, kPortionOperations / operations);
  const int64_t portions = kPortionsOfThread * pool.threads();
  const double amount = static_cast<double>(portions * rounds * operations);
  std::atomic<int64_t> sink{0};
  return best_per_s(measure_ms, amount, [&] {
    pool.for_ranges(portions, 1, [&](int64_t begin, int64_t end) {
      const auto result = static_cast<int64_t>(kernel((end - begin) * rounds));
      sink.fetch_add(result, std::memory_order_relaxed);
    });
  });
}

}  // namespace

MachineProbe::MachineProbe(const ProbeOptions& options, std::unique_ptr<ThreadPool> pool,
                           AlignedBytes buffer)
    : options_(options), pool_(std::move(pool)), buffer_(std::move(buffer)) {}

Result<MachineProbe> MachineProbe::make(const ProbeOptions& options) {
  if (options.buffer_bytes < 0)
    return fail(ErrorCode::invalid_argument, "a probe buffer of {} bytes, wanted 0 or more",
                options.buffer_bytes);
  const int threads = options.threads == 0 ? available_processors() : options.threads;
  TROIKA_TRY(std::unique_ptr<ThreadPool> pool, ThreadPool::create(threads));
  const int64_t wanted = options.buffer_bytes == 0 ? standard_buffer_bytes() : options.buffer_bytes;
  const int64_t runs = (wanted + kRunBytes - 1) / kRunBytes;
  TROIKA_TRY(AlignedBytes buffer, AlignedBytes::allocate(runs * kRunBytes));
  // Touched, or all pages would be the one page of zeros, which no memory is read for.
  pool->for_ranges(runs, 1, [&](int64_t begin, int64_t end) {
    std::memset(buffer.data() + begin * kRunBytes, 1,
                static_cast<size_t>((end - begin) * kRunBytes));
  });
  return MachineProbe(options, std::move(pool), std::move(buffer));
}

double MachineProbe::read_bytes_per_s() {
  const auto kernels = kernels_of(detect_cpu_features().best(options_.isa_max));
  std::atomic<uint64_t> sink{0};
  return best_per_s(options_.measure_ms, static_cast<double>(buffer_.size()), [&] {
    pool_->for_ranges(buffer_.size() / kRunBytes, 1, [&](int64_t begin, int64_t end) {
      const uint64_t sum =
          kernels.read(buffer_.data() + begin * kRunBytes, (end - begin) * kRunBytes);
      sink.fetch_add(sum, std::memory_order_relaxed);
    });
  });
}

std::vector<ComputePeak> MachineProbe::compute_peaks() {
  std::vector<ComputePeak> peaks;
  const Isa best = detect_cpu_features().best(options_.isa_max);
  for (int i = 0; i <= static_cast<int>(best); i++) {
    const auto isa = static_cast<Isa>(i);
    if (detect_cpu_features().best(isa) != isa) continue;
    const auto kernels = kernels_of(isa);
    peaks.push_back({.isa = isa,
                     .int8_per_s = operations_per_s(*pool_, options_.measure_ms,
                                                    kernels.int8_operations, kernels.multiply_int8),
                     .f32_per_s = operations_per_s(*pool_, options_.measure_ms,
                                                   kernels.f32_operations, kernels.multiply_f32)});
  }
  return peaks;
}

}  // namespace troika
