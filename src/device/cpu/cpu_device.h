// The cores of this machine as a device. Work is done before calls return, by the calling thread
// and the device's own threads; results do not depend on how many there are.
#pragma once

#include <memory>
#include <vector>

#include "core/cpu_features.h"
#include "device/device.h"
#include "device/host_memory.h"

namespace troika {

struct CpuOptions {
  int threads = 0;                   // 0: one for each core, as PlacementOptions has it
  std::vector<int> processors = {};  // that threads run on, and whose memory nodes are used; empty:
                                     // all
  bool pin = false;                  // threads to places; devices that share a machine would meet
  Isa isa_max = Isa::avx512;         // the best instruction set to use, where the machine has it
  // Multiply-adds of a step below which one thread is faster than several: some 50 us of work
  // against the waiting between the phases of a small model.
  int64_t shared_work_min = int64_t{1} << 21;
  HostAllocator memory = HostAllocator();  // buffers, states and steps live in it
};

/// Makes a CPU device and starts its threads. Where the system refuses to pin them and nobody has
/// named processors, they run unpinned. Errors: invalid_argument — a number of threads or
/// processors that makes no sense; unsupported — the system refuses the processors that were named;
/// exhausted — it gives no more threads.
Result<std::unique_ptr<Device>> make_cpu_device(const CpuOptions& options = {});

}  // namespace troika
