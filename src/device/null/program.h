// A graph made ready for the null device: which inputs it reads, what its rows may name, and how
// its results look.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "device/device.h"
#include "device/null/memory.h"

namespace troika::null {

struct Program final : public Executable {
  Sizes sizes;
  std::array<bool, kInputs> reads{};
  bool draft = false;           // loads hidden rows
  bool stores_outputs = false;  // hidden_out names a unit for each output row, not for each token
  int64_t vocab = 0;            // ids that may be looked up; answers lie among them
  int64_t logits = 0;           // of an output row; 0: none are made
  bool argmax = false;
  int64_t blocks = 0;  // of the vocabulary that logits are of; 0: all of it
  int64_t pages = -1;  // units of the smallest state of each kind; -1: it has none
  int64_t slots = -1;
  int64_t hidden_units = -1;

  bool needs(Input input) const { return reads[static_cast<size_t>(input)]; }
};

/// Errors: those of graph.check(); invalid_argument — a weight or state that is missing or not of
/// this device.
Result<std::unique_ptr<Program>> make_program(const Graph& graph, const Sizes& sizes,
                                              const Resources& resources);

/// One step: its inputs, checked. Valid until the buffers are written again.
struct StepView {
  std::span<const int32_t> token_ids, output_rows, row_blocks;
  std::span<const int32_t> positions;  // empty: the graph does not ask where rows stand
};

/// Checks the inputs of a step. Holds what it needs for that, so that steps allocate nothing.
class InputCheck {
 public:
  /// Errors: invalid_argument — a count, a view, an id, a position, a page, a slot, a unit.
  Result<StepView> check(const Program& program, const Bindings& bindings);

 private:
  Status check_spans(const Program& program, const Bindings& bindings);
  Status check_pages(const Program& program, const Span& span, std::span<const int32_t> table,
                     int32_t number);

  struct Written {
    int32_t page;
    int32_t span;
  };
  std::vector<Written> written_;
};

}  // namespace troika::null
