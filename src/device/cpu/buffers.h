// What the CPU device hands out as buffers: host memory, with the shape of the state where it is
// one.
//
// Inside of a unit (graph/state.h):
//   KV page      head by head: K [key_dim][64], V [64][value_dim], f16 or f32 (kernels/attention.h)
//   convolution  [taps - 1][channels], then the log [log_tokens][channels]
//   delta        head by head the tiles of kernels/delta.h, then the log:
//                [log_tokens][heads][1 + key_dim + value_dim]
//   hidden       [width]
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "device/device.h"
#include "device/host_memory.h"

namespace troika::cpu {

/// What a state buffer was allocated for.
struct StateShape {
  StateSpec spec;
  StateOptions options;
  int64_t units = 0;
};

class CpuBuffer final : public Buffer {
 public:
  CpuBuffer(HostMemory memory, std::optional<StateShape> shape)
      : Buffer(memory.bytes()), state(std::move(shape)), memory_(std::move(memory)) {}

  std::byte* data() const { return memory_.data(); }
  const std::optional<StateShape> state;

 private:
  HostMemory memory_;
};

/// The bytes [offset, offset + bytes) of a buffer of this device, of which `what` is wanted.
/// Errors: invalid_argument — no buffer, another device's, or not that long.
Result<std::byte*> bytes_at(const BufferView& view, int64_t bytes, std::string_view what);

/// The same for `count` 4-byte numbers; their place must be a multiple of 4.
Result<std::byte*> numbers_at(const BufferView& view, int64_t count, std::string_view what);

}  // namespace troika::cpu
