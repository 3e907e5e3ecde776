// A graph made ready: shaders to run in order, where values lie in one arena, and which of the
// step's inputs are read.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "device/device.h"
#include "device/vulkan/pipelines.h"
#include "device/vulkan/stream.h"
#include "device/vulkan/weights.h"

namespace troika::vulkan {

/// A place for the value of a node, by its number, or for what only a device knows, from the
/// number of nodes on.
using Slot = int32_t;

/// One step under way.
struct Step {
  int64_t tokens = 0;
  int64_t outputs = 0;
  int64_t sequences = 0;
  int64_t output_sequences = 0;
  int64_t table_entries = 0;               // of the page table
  std::array<uint64_t, kInputs> inputs{};  // addresses
  std::vector<uint64_t> slots;             // addresses
  std::vector<Place> places;               // of slots, for copies
  uint64_t faults = 0;                     // address

  int64_t rows(Rows rows) const { return rows == Rows::outputs ? outputs : tokens; }
  uint64_t operator[](Input input) const { return inputs[static_cast<size_t>(input)]; }
  uint64_t operator[](Slot slot) const { return slots[static_cast<size_t>(slot)]; }
  uint64_t operator[](const Tensor& tensor) const { return (*this)[tensor.id]; }
};

/// How many groups of a shader run.
struct Groups {
  uint32_t x = 0;
  uint32_t y = 1;
  uint32_t z = 1;
};

/// `count` groups along x and y, as group_number() of the shaders counts them.
Groups fold_groups(int64_t count);
/// Groups for so many invocations, `size` in a group.
Groups groups_of(int64_t invocations, int64_t size = 64);

/// Where the commands of a step go.
class Recorder {
 public:
  Recorder(const DeviceApi& api, VkPipelineLayout layout, VkCommandBuffer commands)
      : api_(api), layout_(layout), commands_(commands) {}

  /// Runs a shader with `push`, the struct of its push constants. Nothing if there are no groups.
  template <typename Push>
  void dispatch(VkPipeline pipeline, const Push& push, Groups groups) const {
    static_assert(sizeof(Push) <= kPushBytes);
    dispatch(pipeline, &push, sizeof(Push), groups);
  }
  void barrier() const { record_barrier(api_, commands_); }

 private:
  void dispatch(VkPipeline pipeline, const void* push, size_t bytes, Groups groups) const;

  const DeviceApi& api_;
  VkPipelineLayout layout_;
  VkCommandBuffer commands_;
};

using Record = std::function<void(const Step&, const Recorder&)>;
using HostWork = std::function<Status(const Step&, Stream&)>;

/// A shader of a program, or work on the host: what stands before it is recorded by then, and what
/// it reads back through the stream has been computed.
struct Command {
  Record record;
  bool waits = false;  // for what runs before it
  HostWork on_host = {};
};

/// A value in the arena.
struct SlotPlace {
  int64_t offset = 0;
  int output = -1;  // the result in whose buffer it lies instead, if any
};

struct Program final : public Executable {
  const Stream* stream = nullptr;  // of the device that made it
  Sizes sizes;
  std::vector<Command> commands;
  std::vector<SlotPlace> slots;
  std::array<std::optional<Spec>, kOutputs> results;
  std::array<bool, kInputs> reads{};
  int64_t row_blocks = 0;              // entries of Input::row_blocks
  bool hidden_out_of_outputs = false;  // an entry for each output, not each token
  std::vector<Part> constants;         // tables that shaders read
  int64_t arena_bytes = 0;
  std::unique_ptr<Buffer> arena;
};

/// Looks up what `bindings` names. Errors: invalid_argument — more rows than the program was
/// compiled for, an input or result that is missing or too short.
Result<Step> prepare_step(const Program& program, const Bindings& bindings);

}  // namespace troika::vulkan
