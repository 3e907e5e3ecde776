#include "core/memory_nodes.h"

#include <hwloc.h>

#include <algorithm>
#include <memory>

namespace troika {
namespace {

struct FreeBitmap {
  void operator()(hwloc_bitmap_s* bitmap) const { hwloc_bitmap_free(bitmap); }
};

/// Of nodes alone, which cost nothing to find out. Kept: wishes may be made after the process has
/// given up reading the system's files. Null where hwloc fails.
hwloc_topology_t nodes_topology() {
  static const hwloc_topology_t kept = [] {
    hwloc_topology_t topology = nullptr;
    if (hwloc_topology_init(&topology) != 0) return topology;
    hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_NONE);
    if (hwloc_topology_load(topology) == 0) return topology;
    hwloc_topology_destroy(topology);
    return hwloc_topology_t{nullptr};
  }();
  return kept;
}

}  // namespace

std::vector<int> memory_nodes_of(std::span<const Core> cores, std::span<const int> processors) {
  std::vector<int> nodes;
  for (const Core& core : cores)
    if (std::ranges::find_first_of(core.processors, processors) != core.processors.end())
      nodes.push_back(core.memory_node);
  std::ranges::sort(nodes);
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  return nodes;
}

bool prefer_memory_nodes(std::span<std::byte> range, std::span<const int> nodes) {
  if (nodes.empty() || range.empty()) return true;
  const hwloc_topology_t topology = nodes_topology();
  const std::unique_ptr<hwloc_bitmap_s, FreeBitmap> set(hwloc_bitmap_alloc());
  if (topology == nullptr || set == nullptr) return false;
  for (const int node : nodes)
    if (hwloc_bitmap_set(set.get(), static_cast<unsigned>(node)) != 0) return false;
  // Without HWLOC_MEMBIND_STRICT other nodes help out.
  return hwloc_set_area_membind(topology, range.data(), range.size(), set.get(), HWLOC_MEMBIND_BIND,
                                HWLOC_MEMBIND_BYNODESET) == 0;
}

}  // namespace troika
