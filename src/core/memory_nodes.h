// Which of a machine's memory nodes pages come from (NUMA). Through hwloc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/topology.h"

namespace troika {

/// The nodes of those of `cores` that have any of `processors`, ascending.
std::vector<int> memory_nodes_of(std::span<const Core> cores, std::span<const int> processors);

/// Wishes that the pages of a range come from `nodes`, whoever touches them first. As long as those
/// have memory: a full node is no reason to end a process. Returns whether the system took note;
/// one without nodes, or a container that may not choose, does not. No nodes: no wish, true.
/// @param range  whole pages, none touched yet.
bool prefer_memory_nodes(std::span<std::byte> range, std::span<const int> nodes);

}  // namespace troika
