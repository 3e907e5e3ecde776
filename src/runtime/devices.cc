#include "runtime/devices.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "core/printable.h"
#include "core/topology.h"
#include "device/cpu/cpu_device.h"
#include "device/group/group_device.h"
#include "device/reference/reference_device.h"
#include "device/vulkan/vulkan_device.h"
#include "runtime/split.h"

namespace troika {
namespace {

constexpr std::string_view kCpu = "cpu";
constexpr std::string_view kReference = "reference";
constexpr std::string_view kVulkan = "vulkan";
constexpr std::string_view kMpi = "mpi";
constexpr std::string_view kNode = "node";

/// The pieces of `text` between commas.
std::vector<std::string_view> pieces_of(std::string_view text) {
  std::vector<std::string_view> pieces;
  while (true) {
    const size_t comma = text.find(',');
    pieces.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return pieces;
    text.remove_prefix(comma + 1);
  }
}

/// The first processors of the cores beside each memory node.
std::map<int, std::vector<int>> processors_by_node() {
  std::map<int, std::vector<int>> nodes;
  for (const Core& core : available_cores())
    nodes[core.memory_node].push_back(core.processors.front());
  return nodes;
}

/// Those of the node that `number` names.
Result<std::vector<int>> processors_of_node(std::string_view number) {
  std::vector<int> known;
  for (const auto& [node, processors] : processors_by_node()) {
    if (fmt::format("{}", node) == number) return processors;
    known.push_back(node);
  }
  return fail(ErrorCode::invalid_argument,
              "device cpu:node{}: no such memory node has processors for this process, wanted {}",
              printable(number), fmt::join(known, ", "));
}

Result<DeviceName> parse_device(std::string_view text) {
  const size_t colon = text.find(':');
  DeviceName name{std::string(text.substr(0, colon)), {}, {}};
  if (name.kind != kCpu && name.kind != kVulkan && name.kind != kReference && name.kind != kMpi)
    return fail(ErrorCode::invalid_argument,
                "device {} is not known, wanted cpu, vulkan, mpi or reference", printable(text));
  if (colon == std::string_view::npos) return name;
  if (name.kind == kVulkan) {
    name.which = text.substr(colon + 1);
    if (!name.which.empty()) return name;
    return fail(ErrorCode::invalid_argument, "device {}: wanted vulkan:NUMBER or vulkan:NAME",
                printable(text));
  }
  if (name.kind != kCpu)
    return fail(ErrorCode::invalid_argument, "device {} has no processors to name", name.kind);
  std::string list(text.substr(colon + 1));
  if (list.starts_with(kNode)) {
    TROIKA_TRY(name.processors, processors_of_node(std::string_view(list).substr(kNode.size())));
    return name;
  }
  std::ranges::replace(list, '+', ',');
  TROIKA_TRY(name.processors, parse_processors(list));
  return name;
}

CpuOptions cpu_options(const DeviceOptions& options) {
  return {.threads = options.threads,
          .processors = options.processors,
          .pin = options.pin,
          .isa_max = options.isa_max};
}

/// A member of `members`: those without processors of their own get a part of the cores each.
CpuOptions member_options(const DeviceOptions& options, const DeviceName& name, size_t members,
                          const HostAllocator& memory) {
  CpuOptions member = cpu_options(options);
  member.memory = memory;
  member.processors = name.processors;
  if (!name.processors.empty()) return member;
  member.pin = false;
  const auto cores = static_cast<int>(available_cores().size() / members);
  if (member.threads == 0) member.threads = std::max(1, cores);
  return member;
}

/// Members that wait for each other must not take each other's processors away.
Status check_apart(const std::vector<DeviceName>& names) {
  std::vector<int> seen;
  for (const DeviceName& name : names)
    for (const int processor : name.processors) {
      if (std::ranges::find(seen, processor) != seen.end())
        return fail(ErrorCode::invalid_argument, "processor {} is named for two devices",
                    processor);
      seen.push_back(processor);
    }
  return ok();
}

Result<std::vector<std::unique_ptr<Device>>> make_members(const DeviceOptions& options,
                                                          const std::vector<DeviceName>& names) {
  const HostAllocator memory;
  std::vector<std::unique_ptr<Device>> members;
  for (const DeviceName& name : names) {
    if (name.kind == kReference)
      return fail(ErrorCode::unsupported, "device {} cannot be a member of a group", name.kind);
    if (name.kind == kVulkan) {
      TROIKA_TRY(members.emplace_back(), make_vulkan_device(name.which));
      continue;
    }
    TROIKA_TRY(members.emplace_back(),
               make_cpu_device(member_options(options, name, names.size(), memory)));
  }
  return members;
}

/// Measures members that are dropped afterwards: the group's begin with empty memory.
Result<Shares> measure_shares(const DeviceOptions& options, const std::vector<DeviceName>& names) {
  if (!options.shares.empty())
    return fail(ErrorCode::invalid_argument, "shares that are given and to be measured");
  TROIKA_TRY(const auto members, make_members(options, names));
  MeasuredSplit split{.devices = device_names(options)};
  TROIKA_TRY(split.bytes_per_s, measure_speeds(members));
  split.shares = split_by_speed(split.bytes_per_s);
  if (options.on_split) options.on_split(split);
  return split.shares;
}

Status check_group(const DeviceOptions& options, const std::vector<DeviceName>& names) {
  if (options.processors.empty()) return check_apart(names);
  return fail(ErrorCode::invalid_argument,
              "processors for a list of devices, wanted them with each device: cpu:0-3");
}

Result<std::unique_ptr<Device>> make_group(const DeviceOptions& options,
                                           const std::vector<DeviceName>& names) {
  TROIKA_RETURN_IF_ERROR(check_group(options, names));
  Shares shares = options.shares;
  if (options.measured_shares) {
    TROIKA_TRY(shares, measure_shares(options, names));
  } else if (shares.empty()) {
    shares.assign(names.size(), 1);
  }
  TROIKA_TRY(auto members, make_members(options, names));
  return make_group_device(std::move(members), std::move(shares));
}

}  // namespace

Result<std::vector<DeviceName>> parse_devices(std::string_view text) {
  std::vector<DeviceName> names;
  for (const std::string_view piece : pieces_of(text)) {
    TROIKA_TRY(names.emplace_back(), parse_device(piece));
  }
  if (std::ssize(names) > kMembersMax)
    return fail(ErrorCode::invalid_argument, "{} devices, wanted at most {}", names.size(),
                kMembersMax);
  return names;
}

Result<Shares> parse_shares(std::string_view text) {
  Shares shares;
  for (const std::string_view piece : pieces_of(text)) {
    const char* const end = piece.data() + piece.size();
    const auto [stop, error] = std::from_chars(piece.data(), end, shares.emplace_back());
    if (error != std::errc() || stop != end)
      return fail(ErrorCode::invalid_argument, "a share of {}, wanted an integer",
                  printable(piece));
  }
  if (std::ssize(shares) > kMembersMax)
    return fail(ErrorCode::invalid_argument, "{} shares, wanted at most {}", shares.size(),
                kMembersMax);
  TROIKA_RETURN_IF_ERROR(check_shares(shares));
  return shares;
}

std::vector<ListedDevice> list_devices() {
  std::vector<ListedDevice> list;
  if (const auto cpu = make_cpu_device({}); cpu.ok())
    list.push_back({"cpu", (*cpu)->info().name, (*cpu)->info().memory_bytes});
  else
    list.push_back({"cpu", cpu.error().message(), 0, false});
  if (const auto nodes = processors_by_node(); nodes.size() > 1)
    for (const auto& [node, processors] : nodes)
      list.push_back({fmt::format("cpu:node{}", node),
                      fmt::format("the {} cores beside a memory node", processors.size()),
                      list[0].memory_bytes, list[0].usable});
  if (const auto vulkan = list_vulkan_devices(); !vulkan.ok())
    list.push_back({"vulkan", vulkan.error().message(), 0, false});
  else
    for (const VulkanDeviceInfo& device : *vulkan)
      list.push_back(
          {fmt::format("vulkan:{}", device.number),
           fmt::format("{}{}; {}", device.name, device.software ? ", software" : "", device.driver),
           device.memory_bytes});
  list.push_back({"reference", "every operation in float64, slowly",
                  make_reference_device()->info().memory_bytes});
  return list;
}

bool is_mpi(const DeviceOptions& options) {
  return options.kind == kMpi;
}

bool wants_gpu(const DeviceOptions& options) {
  const Result<std::vector<DeviceName>> names = parse_devices(options.kind);
  return names.ok() && std::ranges::find(*names, kVulkan, &DeviceName::kind) != names->end();
}

Result<std::vector<std::unique_ptr<Device>>> make_devices(const DeviceOptions& options) {
  TROIKA_TRY(const std::vector<DeviceName> names, parse_devices(options.kind));
  if (names.size() > 1) {
    TROIKA_RETURN_IF_ERROR(check_group(options, names));
    return make_members(options, names);
  }
  std::vector<std::unique_ptr<Device>> devices;
  TROIKA_TRY(devices.emplace_back(), make_device(options));
  return devices;
}

std::vector<std::string> device_names(const DeviceOptions& options) {
  std::vector<std::string> names;
  for (const std::string_view piece : pieces_of(options.kind)) names.emplace_back(piece);
  return names;
}

Result<std::unique_ptr<Device>> make_device(const DeviceOptions& options,
                                            std::span<const gguf::File* const> files) {
  TROIKA_TRY(const std::vector<DeviceName> names, parse_devices(options.kind));
  if (is_mpi(options)) {
    if (options.ranks != nullptr) return options.ranks->make_device(options, files);
    return fail(ErrorCode::unsupported,
                "this command does not compute on ranks of MPI, wanted run, chat or serve");
  }
  if (names.size() > 1) return make_group(options, names);
  if (!options.shares.empty())
    return fail(ErrorCode::invalid_argument, "{} shares for one device, wanted none",
                options.shares.size());
  if (options.measured_shares)
    return fail(ErrorCode::invalid_argument, "shares of one device, wanted several devices");
  if (names[0].kind == kReference) return make_reference_device();
  if (names[0].kind == kVulkan) return make_vulkan_device(names[0].which);
  CpuOptions cpu = cpu_options(options);
  if (!names[0].processors.empty()) {
    if (!cpu.processors.empty())
      return fail(ErrorCode::invalid_argument, "processors are named twice");
    cpu.processors = names[0].processors;
  }
  return make_cpu_device(cpu);
}

}  // namespace troika
