// The one place that knows all kinds of device.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/cpu_features.h"
#include "core/result.h"
#include "device/device.h"
#include "gguf/file.h"
#include "graph/shares.h"

namespace troika {

/// Shares by measured speeds.
struct MeasuredSplit {
  std::vector<std::string> devices;  // as they were named
  std::vector<double> bytes_per_s;   // of weights that each multiplies, all at the same time
  Shares shares;
};

struct DeviceOptions;

/// Who makes the device "mpi": ranks that have met (runtime/ranks). No part of this module, so that
/// a program without that kind needs no MPI.
class RankedDevices {
 public:
  virtual ~RankedDevices() = default;
  /// As make_device() below, for that kind.
  virtual Result<std::unique_ptr<Device>> make_device(const DeviceOptions& options,
                                                      std::span<const gguf::File* const> files) = 0;
};

struct DeviceOptions {
  /// "cpu", "vulkan", "reference", or several that share a model, by commas: "cpu,cpu", each with
  /// so many threads; "cpu:0-3,cpu:4-7+12", each on the processors that it names;
  /// "cpu:node0,cpu:node1", each on the cores beside a memory node. "vulkan" is the first GPU;
  /// "vulkan:1" and "vulkan:NAME" are others, by a part of the name. "mpi" is the CPU devices of
  /// all ranks.
  std::string kind = "cpu";
  Shares shares = {};                // of the members of a group; none: equal ones
  bool measured_shares = false;      // or those that split_by_speed() finds, measured when made
  int threads = 0;                   // 0: one for each core, or each of `processors`; of a group,
                                     // of each member, whose default is its part of the cores
  std::vector<int> processors = {};  // that threads run on; empty: all
  bool pin = true;                   // each thread to a place of its own
  Isa isa_max = Isa::avx512;         // instruction set at most, to compare the kernels of several
  std::function<void(const MeasuredSplit&)> on_split = {};  // hears measured_shares
  RankedDevices* ranks = nullptr;                           // that have met, for "mpi"
  int64_t mpi_timeout_s = 30;                               // that a rank may give no sign of life
  bool mpi_trust_network = false;  // ranks may be on hosts with public addresses
};

/// One device of a list.
struct DeviceName {
  std::string kind;
  std::vector<int> processors;  // that it names
  std::string which;            // what follows "vulkan:"
};

/// Reads DeviceOptions::kind. Errors: invalid_argument — what is wrong with which part.
Result<std::vector<DeviceName>> parse_devices(std::string_view text);

/// Reads "3,1", the shares of members; at most kMembersMax. Errors: invalid_argument.
Result<Shares> parse_shares(std::string_view text);

/// A device that this machine has, or a kind of which it has none.
struct ListedDevice {
  std::string name;         // as DeviceOptions::kind takes it: "vulkan:0"
  std::string description;  // of a kind without devices: why
  int64_t memory_bytes = 0;
  bool usable = true;
};

/// All of them, kind by kind. Cost: starts the drivers.
std::vector<ListedDevice> list_devices();

/// Whether `options` name the ranks of MPI.
bool is_mpi(const DeviceOptions& options);

/// Whether they name a GPU.
bool wants_gpu(const DeviceOptions& options);

/// The devices that `options` name, each by itself and with nothing in its memory: what a group
/// would be made of, to be asked and measured. Errors: as make_device().
Result<std::vector<std::unique_ptr<Device>>> make_devices(const DeviceOptions& options);

/// Their names, as they were given.
std::vector<std::string> device_names(const DeviceOptions& options);

/// Makes the device that `options` name.
/// @param files  that weights will be imported from; must be open as long as the device.
/// Errors: those of the kind; invalid_argument — an unknown kind, threads or processors out of
/// range, processors named twice, shares that do not fit the members or are given twice;
/// unsupported — a kind that is no member of groups.
Result<std::unique_ptr<Device>> make_device(const DeviceOptions& options,
                                            std::span<const gguf::File* const> files = {});

}  // namespace troika
