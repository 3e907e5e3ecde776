// One step under way: its counts, inputs and places in memory, checked once on the calling thread
// before any kernel runs. Kernels then trust it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "device/cpu/kernel_table.h"
#include "device/device.h"

namespace troika::cpu {

/// A piece of memory of a step: the value of graph node i is slot i, further ones are the
/// planner's.
using Slot = int32_t;

/// Some consecutive rows of one sequence, for attention.
struct RowTile {
  int32_t span = 0;
  int32_t first = 0;  // row of the span
  int32_t rows = 0;
};

/// The tiles of at most `rows` rows of all spans; made anew each step, in memory kept from compile.
struct TileList {
  int64_t rows = 1;
  bool outputs = false;  // tiles of output rows instead of token rows
  std::vector<RowTile> tiles;
  int64_t rows_max = 0;        // of a tile of this step
  int64_t partitions_max = 0;  // that a row of this step sees
};

/// What the ops of a program need to be true of a step's inputs.
struct StepNeeds {
  std::array<bool, kInputs> inputs{};
  int64_t vocab = INT64_MAX;  // token ids are below it
  int64_t pages = INT64_MAX;  // page numbers are below it
  int64_t slots = INT64_MAX;  // state slots are below it
  int64_t hidden_in_units = INT64_MAX;
  int64_t hidden_out_units = INT64_MAX;
  bool hidden_out_of_outputs = false;  // hidden_out lists output rows
  bool hidden_out_of_tokens = false;
  bool recurrent = false;  // replay and certain must fit the log
  int64_t log_tokens = 0;
  int64_t row_blocks = 0;              // entries of Input::row_blocks
  int64_t row_blocks_end = INT64_MAX;  // they are below it

  bool& operator[](Input input) { return inputs[static_cast<size_t>(input)]; }
  bool operator[](Input input) const { return inputs[static_cast<size_t>(input)]; }
};

struct Step {
  const KernelTable* kernels = nullptr;
  int threads = 1;
  std::vector<std::byte*> slots;    // by Slot
  std::vector<std::byte*> scratch;  // by thread, 64-byte aligned
  std::array<int64_t, 3> counts{};  // by Rows
  std::array<const int32_t*, kInputs> inputs{};
  std::span<const Span> spans;
  std::span<const Span> output_spans;
  std::vector<int32_t> row_span;         // [tokens] the span of each row, -1 where there is none
  std::vector<int32_t> output_row_span;  // [outputs]
  std::vector<TileList> tile_lists;

  int64_t rows(Rows rows) const { return counts[static_cast<size_t>(rows)]; }
  const int32_t* operator[](Input input) const { return inputs[static_cast<size_t>(input)]; }
  std::byte* bytes(Slot slot) const { return slots[static_cast<size_t>(slot)]; }
  float* floats(Slot slot) const { return reinterpret_cast<float*>(bytes(slot)); }
  std::span<const Span> spans_of(bool outputs) const { return outputs ? output_spans : spans; }
  const std::vector<int32_t>& row_spans_of(bool outputs) const {
    return outputs ? output_row_span : row_span;
  }
};

/// Checks the inputs of `bindings` and points `step` at them: counts, inputs, spans, tiles.
/// Reserved memory is kept, nothing is allocated. Errors: invalid_argument — names the input and
/// the entry; no state has been touched.
Status prepare_step(const StepNeeds& needs, const Sizes& sizes, const Bindings& bindings,
                    Step& step);

}  // namespace troika::cpu
