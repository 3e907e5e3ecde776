// A graph made ready for the reference device: weights and states looked up and checked against the
// ops that use them, and when each value is needed for the last time.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "device/device.h"
#include "device/reference/storage.h"

namespace troika::reference {

struct Program final : public Executable {
  std::vector<Node> nodes;
  std::array<std::optional<Tensor>, kOutputs> outputs;
  std::vector<int32_t> last_use;  // of the value of node i: the last node that reads it
  std::vector<const FloatMatrix*> weights;
  std::vector<const HostBuffer*> states;
  Sizes sizes;
};

/// Checks `graph` against `resources` and makes the program.
/// Errors: those of graph.check(); unsupported — a KV type; invalid_argument — a weight or state
/// that is missing, of another device or of another shape than an op wants.
Result<std::unique_ptr<Program>> make_program(const Graph& graph, const Sizes& sizes,
                                              const Resources& resources);

}  // namespace troika::reference
