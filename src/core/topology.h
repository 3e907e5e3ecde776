// The processors of this machine and the cores they belong to, and where the threads of a pool go.
// The one place that knows hwloc. Processors are numbered as the system numbers them.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace troika {

/// Processors that share the units that compute: one, or the hyper-threads of a core.
struct Core {
  std::vector<int> processors;  // that this process may run on, ascending; at least one
  int kind = 0;                 // of machines with several kinds of core; more is faster
  int memory_node = 0;
};

/// The cores that this process may run on, by its affinity and its control group: fast kinds first,
/// neighbours together. At least one. Where the system does not tell which processors share a core,
/// each is one by itself. Cost: milliseconds.
std::vector<Core> available_cores();

/// Memory nodes that `cores` belong to.
int count_memory_nodes(std::span<const Core> cores);

/// Reads "0-3,8": numbers and ranges, of any order, none twice; at most kProcessorsMax.
/// Errors: invalid_argument — says what is wrong with which part.
Result<std::vector<int>> parse_processors(std::string_view list);
inline constexpr int kProcessorsMax = 1024;

/// What a user may ask for.
struct PlacementOptions {
  int threads = 0;  // 0: one for each of `processors`, or for each core of the fastest kind
  std::vector<int> processors;  // to run on, in the order of threads; empty: all
  bool pin = true;              // each thread to a place of its own, not all to all places
};

/// Where threads run.
struct Placement {
  int threads = 1;
  std::vector<std::vector<int>> pins;  // processors of each thread; empty: the system decides
};

/// Chooses places among `cores`. A list of processors is obeyed, and pins thread by thread. Without
/// one, threads are pinned to cores where they are as many as the cores of the fastest kind, and at
/// least two: with fewer, the system may know of a core that is idle. Errors: invalid_argument — a
/// processor that this process may not run on, or more threads than processors in the list.
Result<Placement> place_threads(std::span<const Core> cores, const PlacementOptions& options);

}  // namespace troika
