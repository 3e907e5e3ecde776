// The cores of this machine as a device. Work is done before calls return, by the calling thread
// and the device's own threads; results do not depend on how many there are.
#pragma once

#include <memory>

#include "core/cpu_features.h"
#include "device/device.h"
#include "device/host_memory.h"

namespace troika {

struct CpuOptions {
  int threads = 0;            // 0: one for each processor that this process may run on
  Isa isa_max = Isa::avx512;  // the best instruction set to use, where the machine has it
  // Multiply-adds of a step below which one thread is faster than several: some 50 us of work
  // against the waiting between the phases of a small model.
  int64_t shared_work_min = int64_t{1} << 21;
  HostAllocator memory = HostAllocator();  // buffers, states and steps live in it
};

/// Makes a CPU device and starts its threads. Errors: invalid_argument — a number of threads that
/// makes no sense; exhausted — the system gives no more threads.
Result<std::unique_ptr<Device>> make_cpu_device(const CpuOptions& options = {});

}  // namespace troika
