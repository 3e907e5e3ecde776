// A graph made ready for the CPU: phases of jobs, and one arena for everything that flows between
// them.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "core/aligned.h"
#include "core/thread_pool.h"
#include "device/cpu/job.h"
#include "device/cpu/rope_table.h"
#include "device/device.h"
#include "device/host_memory.h"

namespace troika::cpu {

/// Where a slot lies: at `offset` of the arena, or in the buffer bound to `output`.
struct SlotPlace {
  int64_t offset = 0;
  int output = -1;          // an Output, or -1
  Rows rows = Rows::none;   // of an output
  int64_t row_numbers = 0;  // 4-byte numbers of a row of an output
};

struct Program final : public Executable {
  Sizes sizes;
  StepNeeds needs;
  std::vector<Phase> phases;
  std::vector<SlotPlace> places;  // by Slot
  int64_t arena_bytes = 0;        // of the slots alone
  int64_t scratch_bytes = 0;      // of one thread
  std::vector<TileList> tile_lists;

  HostMemory memory;  // the arena, then the scratch of each thread
  Step step;
  std::vector<int64_t> items;      // of phases, in this step
  std::vector<WorkRanges> ranges;  // of all jobs, phase by phase
  std::vector<Tally> tallies;      // of phases
};

/// Allocates the arena, the scratch and everything else that steps need. Errors: exhausted.
Status reserve_memory(Program& program, HostAllocator& memory, const KernelTable& kernels,
                      int threads);

/// Runs one step, on the caller alone if it is less than `shared_work_min` multiply-adds. Errors:
/// invalid_argument — an input or a result; nothing has been computed.
Status run_program(Program& program, const Bindings& bindings, ThreadPool& pool,
                   int64_t shared_work_min);

}  // namespace troika::cpu
