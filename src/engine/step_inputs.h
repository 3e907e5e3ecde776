// The inputs of one step, gathered on the host row by row and written to the device in one go.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/ids.h"
#include "core/result.h"
#include "device/device.h"

namespace troika {

/// What a sequence brings to a step besides its rows.
struct SequenceInput {
  std::span<const PageId> pages;
  int64_t position = 0;  // of its first row
  int32_t state_slot = 0;
  int32_t replay = 0;
  int32_t certain = 0;
  bool fresh = false;
};

/// One row of a sequence.
struct RowInput {
  TokenId token{};
  int32_t hidden_in = -1;
  int32_t hidden_out = 0;
  bool output = false;
};

/// Usage: clear(), then for each sequence begin_sequence() and its rows, then upload(). Nothing
/// allocates after make().
class StepInputs {
 public:
  /// Bytes of device memory that make() allocates.
  static int64_t bytes(const Sizes& sizes, int64_t pages_max);

  /// Reserves host and device memory for steps up to `sizes` whose page table has at most
  /// `pages_max` entries.
  static Result<StepInputs> make(Device& device, const Sizes& sizes, int64_t pages_max);

  void clear();
  void begin_sequence(const SequenceInput& sequence);
  void add_row(const RowInput& row);
  /// Replaces hidden_out by one unit for each output row, as draft graphs want it.
  void set_output_hidden(std::span<const int32_t> units);

  int64_t tokens() const { return std::ssize(tokens_); }
  int64_t outputs() const { return std::ssize(output_rows_); }
  int64_t sequences() const { return std::ssize(spans_); }

  /// Writes to the device what differs from what it holds already, and fills the counts and input
  /// views of `bindings`. Steps that follow one another often share all but positions and spans.
  /// @param tokens  false: the step reads its tokens elsewhere.
  Status upload(Device& device, Bindings& bindings, bool tokens = true);

 private:
  StepInputs() = default;
  template <typename T>
  Status put(Device& device, Bindings& bindings, Input input, const std::vector<T>& values);
  BufferView view(Input input) const;

  std::unique_ptr<Buffer> buffer_;
  std::array<int64_t, kInputs> offsets_{};  // bytes, of each input in buffer_
  std::vector<int32_t> tokens_, positions_, page_table_, output_rows_, hidden_in_, hidden_out_;
  std::vector<Span> spans_, output_spans_;
  std::array<std::vector<std::byte>, kInputs> held_;  // by the device, of each input
};

}  // namespace troika
