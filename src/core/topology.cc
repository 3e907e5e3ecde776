#include "core/topology.h"

#include <fmt/ranges.h>
#include <hwloc.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <memory>
#include <numeric>
#include <set>
#include <thread>

#include "core/printable.h"

namespace troika {
namespace {

/// The processors that the system lets this thread run on.
std::vector<int> allowed_processors() {
  std::vector<int> allowed;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int i = 0; i < CPU_SETSIZE; i++)
      if (CPU_ISSET(i, &set)) allowed.push_back(i);
  if (allowed.empty()) {  // more processors than a mask of this kind holds
    allowed.resize(std::max(1U, std::thread::hardware_concurrency()));
    std::iota(allowed.begin(), allowed.end(), 0);
  }
  return allowed;
}

struct DestroyTopology {
  void operator()(hwloc_topology* topology) const { hwloc_topology_destroy(topology); }
};
using TopologyPointer = std::unique_ptr<hwloc_topology, DestroyTopology>;

/// Null where hwloc fails.
TopologyPointer load_topology() {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) return nullptr;
  TopologyPointer topology(raw);
  hwloc_topology_set_all_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_NONE);
  hwloc_topology_set_type_filter(raw, HWLOC_OBJ_CORE, HWLOC_TYPE_FILTER_KEEP_ALL);
  if (hwloc_topology_load(raw) != 0) return nullptr;
  return topology;
}

/// The rank of the kind of core that `set` belongs to; 0 where all are of one kind.
int kind_of(hwloc_topology_t topology, hwloc_const_bitmap_t set) {
  const int kind = hwloc_cpukinds_get_by_cpuset(topology, set, 0);
  int efficiency = -1;  // hwloc: the more, the faster; -1 where it does not know
  if (kind >= 0)
    hwloc_cpukinds_get_info(topology, static_cast<unsigned>(kind), nullptr, &efficiency, nullptr,
                            nullptr, 0);
  return std::max(0, efficiency);
}

Core make_core(hwloc_topology_t topology, hwloc_obj_t object, const std::vector<int>& allowed) {
  Core core;
  for (const int processor : allowed)
    if (hwloc_bitmap_isset(object->cpuset, static_cast<unsigned>(processor)))
      core.processors.push_back(processor);
  core.kind = kind_of(topology, object->cpuset);
  core.memory_node = std::max(0, hwloc_bitmap_first(object->nodeset));
  return core;
}

/// In the order of the machine; those of no core known to hwloc stand alone behind them.
std::vector<Core> read_cores(hwloc_topology_t topology, const std::vector<int>& allowed) {
  std::vector<Core> cores;
  std::vector<int> rest = allowed;
  const int count = topology == nullptr ? 0 : hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
  for (int i = 0; i < count; i++) {
    Core core = make_core(
        topology, hwloc_get_obj_by_type(topology, HWLOC_OBJ_CORE, static_cast<unsigned>(i)), rest);
    if (core.processors.empty()) continue;
    std::erase_if(rest, [&](int p) { return std::ranges::count(core.processors, p) > 0; });
    cores.push_back(std::move(core));
  }
  for (const int processor : rest) cores.push_back({.processors = {processor}});
  return cores;
}

/// Reads a number of up to nine digits from the front of `text`.
bool take_number(std::string_view& text, int& number) {
  const char* end = text.data() + std::min<size_t>(text.size(), 9);
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || number < 0) return false;
  text.remove_prefix(static_cast<size_t>(stop - text.data()));
  return true;
}

/// "4" or "0-3".
bool parse_range(std::string_view text, int& first, int& last) {
  if (!take_number(text, first)) return false;
  last = first;
  if (text.starts_with('-')) {
    text.remove_prefix(1);
    if (!take_number(text, last)) return false;
  }
  return text.empty() && first <= last;
}

Status check_processors(std::span<const Core> cores, const PlacementOptions& options) {
  for (const int processor : options.processors) {
    const auto holds = [&](const Core& core) {
      return std::ranges::count(core.processors, processor) > 0;
    };
    if (std::ranges::any_of(cores, holds)) continue;
    std::vector<int> all;
    for (const Core& core : cores)
      all.insert(all.end(), core.processors.begin(), core.processors.end());
    std::ranges::sort(all);
    return fail(ErrorCode::invalid_argument,
                "processor {} is not one that this process may run on, wanted one of {}", processor,
                fmt::join(all, ", "));
  }
  const int places = static_cast<int>(options.processors.size());
  if (options.threads > places)
    return fail(ErrorCode::invalid_argument, "{} threads on {} processors, wanted at most {}",
                options.threads, places, places);
  return ok();
}

}  // namespace

std::vector<Core> available_cores() {
  const TopologyPointer topology = load_topology();
  std::vector<Core> cores = read_cores(topology.get(), allowed_processors());
  std::ranges::stable_sort(cores, std::greater(), &Core::kind);
  return cores;
}

int count_memory_nodes(std::span<const Core> cores) {
  std::set<int> nodes;
  for (const Core& core : cores) nodes.insert(core.memory_node);
  return static_cast<int>(nodes.size());
}

Result<std::vector<int>> parse_processors(std::string_view list) {
  std::vector<int> processors;
  size_t begin = 0;
  while (begin <= list.size()) {
    const size_t end = std::min(list.find(',', begin), list.size());
    const std::string_view part = list.substr(begin, end - begin);
    begin = end + 1;
    int first = 0, last = 0;
    if (!parse_range(part, first, last))
      return fail(ErrorCode::invalid_argument,
                  "\"{}\" is neither a processor nor a range, wanted a list like 0-3,8",
                  printable(part));
    if (last >= kProcessorsMax)
      return fail(ErrorCode::invalid_argument, "processor {}, wanted 0 to {}", last,
                  kProcessorsMax - 1);
    for (int p = first; p <= last; p++) {
      if (std::ranges::count(processors, p) > 0)
        return fail(ErrorCode::invalid_argument, "processor {} is listed twice", p);
      processors.push_back(p);
    }
  }
  return processors;
}

Result<Placement> place_threads(std::span<const Core> cores, const PlacementOptions& options) {
  Placement placement;
  if (!options.processors.empty()) {
    TROIKA_RETURN_IF_ERROR(check_processors(cores, options));
    const int places = static_cast<int>(options.processors.size());
    placement.threads = options.threads == 0 ? places : options.threads;
    for (int thread = 0; thread < placement.threads; thread++)
      placement.pins.push_back(options.pin
                                   ? std::vector{options.processors[static_cast<size_t>(thread)]}
                                   : options.processors);
    return placement;
  }
  const auto fast = static_cast<int>(std::ranges::count(cores, cores.front().kind, &Core::kind));
  placement.threads = options.threads == 0 ? fast : options.threads;
  if (options.pin && placement.threads == fast && fast > 1)
    for (const Core& core : cores.first(static_cast<size_t>(fast)))
      placement.pins.push_back(core.processors);
  return placement;
}

}  // namespace troika
