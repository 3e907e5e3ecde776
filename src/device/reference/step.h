// One step under way: the values of the ops and the inputs, read and checked where an op asks for
// them.
#pragma once

#include <span>
#include <vector>

#include "device/device.h"
#include "device/reference/program.h"

namespace troika::reference {

class Step {
 public:
  Step(const Program& program, const Bindings& bindings);

  /// How many rows a tensor has in this step.
  int64_t rows(Rows rows) const;

  /// The values of a tensor, [rows, units * width], and one row of them. Valid until the step
  /// releases the tensor.
  std::span<double> values(const Tensor& tensor);
  double* row(const Tensor& tensor, int64_t row);

  const FloatMatrix& weight(const Weight& weight) const;
  const StateShape& state_shape(State state) const;
  /// The bytes of unit `unit` of a state. Errors: invalid_argument — no such unit.
  Result<std::byte*> state_unit(State state, int64_t unit) const;

  /// An input of `count` numbers. Errors: invalid_argument — not bound, or its buffer is too short.
  Result<std::span<const int32_t>> ints(Input input, int64_t count) const;
  /// All that is bound from the view on; for page tables, whose length no count tells.
  Result<std::span<const int32_t>> page_table() const;
  /// The row numbers in output_rows, each checked to be a token row.
  Result<std::span<const int32_t>> output_rows() const;
  /// The spans over tensors of this row kind, each checked to lie inside the rows.
  Result<std::span<const Span>> spans(Rows rows) const;

  /// Makes room for a node's value, zeroed; rows that no span covers stay zero.
  void make(const Tensor& tensor);
  /// Frees the values whose last reader is node `number`.
  void release(int32_t number);
  /// Writes the values of tensor `from` to a result buffer, as f32 or i32.
  Status write_result(Output output, const Tensor& from);

 private:
  Result<std::span<std::byte>> view(const BufferView& view, int64_t bytes) const;

  const Program& program_;
  const Bindings& bindings_;
  std::vector<std::vector<double>> values_;
};

}  // namespace troika::reference
