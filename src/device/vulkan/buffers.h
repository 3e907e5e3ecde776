// What the device hands out as buffers: memory of its own, with the shape of the state where it is
// one. Inside of a unit: KV pages as shaders/kv.glsl has them, convolutions as shaders/conv.comp,
// delta rules as shaders/delta.comp, hidden rows as they are.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "device/device.h"
#include "device/vulkan/stream.h"

namespace troika::vulkan {

/// What a state buffer was allocated for.
struct StateShape {
  StateSpec spec;
  StateOptions options;
  int64_t units = 0;
};

class VulkanBuffer final : public Buffer {
 public:
  /// `stream` must outlive it: the memory is given back when nothing uses it any more.
  VulkanBuffer(Memory memory, std::optional<StateShape> shape, Stream& stream)
      : Buffer(memory.bytes()),
        state(std::move(shape)),
        memory_(std::move(memory)),
        stream_(stream) {}
  ~VulkanBuffer() override { static_cast<void>(stream_.finish().ok()); }

  VkBuffer handle() const { return memory_.buffer(); }
  uint64_t address() const { return memory_.address(); }
  bool is_of(const Stream& stream) const { return &stream == &stream_; }
  const std::optional<StateShape> state;

 private:
  Memory memory_;
  Stream& stream_;
};

/// The bytes of a buffer that are wanted.
struct Range {
  BufferView view;
  int64_t bytes = 0;
  std::string_view what;  // opens messages
};

/// Where they lie, for copies. Errors: invalid_argument — no buffer, not one of the device that
/// `stream` belongs to, or not that long.
Result<Place> place_of(const Range& range, const Stream& stream);

/// Where they lie, for shaders. Errors: the same; invalid_argument — not at a multiple of 4.
Result<uint64_t> address_of(const Range& range, const Stream& stream);

}  // namespace troika::vulkan
