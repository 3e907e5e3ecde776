// What the reference device hands out: buffers in host memory and weights as float32 matrices.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "device/device.h"
#include "device/host_memory.h"

namespace troika::reference {

/// What a state buffer was allocated for. A unit is state_unit_bytes() long, arranged as
/// device/reference/state_layout.h says.
struct StateShape {
  StateSpec spec;
  StateOptions options;
  int64_t units = 0;
};

/// Plain memory, or the memory of a state if `state` is set.
class HostBuffer final : public Buffer {
 public:
  HostBuffer(HostMemory memory, std::optional<StateShape> shape)
      : Buffer(memory.bytes()), state(std::move(shape)), memory_(std::move(memory)) {}

  std::byte* data() const { return memory_.data(); }
  const std::optional<StateShape> state;

 private:
  HostMemory memory_;
};

/// A weight as float32 [rows, inputs], decoded at import.
class FloatMatrix final : public ImportedWeight {
 public:
  FloatMatrix(std::string weight_name, int64_t row_count, int64_t input_count)
      : name(std::move(weight_name)),
        rows(row_count),
        inputs(input_count),
        values(static_cast<size_t>(row_count * input_count)) {}

  const float* row(int64_t i) const { return values.data() + i * inputs; }

  std::string name;
  int64_t rows;
  int64_t inputs;
  std::vector<float> values;
};

}  // namespace troika::reference
