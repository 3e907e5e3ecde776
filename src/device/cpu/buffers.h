// What the CPU device hands out as buffers: host memory, with the shape of the state where it is
// one.
//
// Inside of a unit (graph/state.h):
//   KV page      head by head: keys, then values, in panels (kernels/attention.h)
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

/// Unit `span.state_slot` of a recurrent state, and its log.
struct RecurrentUnit {
  RecurrentUnit(const CpuBuffer& buffer, const Span& span)
      : log_floats(state_log_bytes(buffer.state->spec) / 4) {
    const StateShape& shape = *buffer.state;
    state = reinterpret_cast<float*>(buffer.data() +
                                     span.state_slot * state_unit_bytes(shape.spec, shape.options));
    log = state + state_unit_bytes(shape.spec, {shape.options.kv_dtype, 0}) / 4;
  }
  float* state;
  float* log;
  int64_t log_floats;  // of a token
};

/// The bytes [offset, offset + bytes) of a buffer of this device, of which `what` is wanted.
/// Errors: invalid_argument — no buffer, another device's, or not that long.
Result<std::byte*> bytes_at(const BufferView& view, int64_t bytes, std::string_view what);

/// The same for `count` 4-byte numbers; their place must be a multiple of 4.
Result<std::byte*> numbers_at(const BufferView& view, int64_t count, std::string_view what);

}  // namespace troika::cpu
