// A small graph on any device, with its weights, states and inputs made by the test: what the tests
// of devices and the conformance suite are built on.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "device/device.h"

namespace troika::testing {

/// The inputs of one step on the host. Counts follow from the lengths.
struct StepInputs {
  std::vector<int32_t> token_ids;
  std::vector<int32_t> positions;
  std::vector<Span> spans;
  std::vector<Span> output_spans;
  std::vector<int32_t> page_table;
  std::vector<int32_t> output_rows;
  std::vector<int32_t> hidden_in;
  std::vector<int32_t> hidden_out;
  std::vector<int32_t> row_blocks;
};

/// Owns weights and states on one device, and the graph over them. Errors are kept: the first one
/// comes out of compile().
class OpRig {
 public:
  explicit OpRig(Device& device, StateOptions options = {}) : device_(device), options_(options) {}

  Graph graph;

  /// Imports `data` as weight [units * width, inputs].
  Weight weight(Weight shape, WeightUse use, DType dtype, std::span<const std::byte> data,
                Split split = {}) {
    shape.id = static_cast<int32_t>(weights_.size());
    WeightInfo info{.name = "weight." + std::to_string(shape.id),
                    .dtype = dtype,
                    .use = use,
                    .weight = shape,
                    .data = data,
                    .split = std::move(split)};
    if (info.split.leaves.empty() && shape.inputs > 0) info.split = split_whole(shape.inputs);
    auto imported = device_.import_weight(info);
    keep(imported);
    types_.push_back(dtype);
    weights_.push_back(imported.ok() ? std::move(imported).value() : nullptr);
    return shape;
  }

  /// A float32 weight; `inputs` is 1 for vectors.
  Weight floats(Weight shape, WeightUse use, std::span<const float> values) {
    return weight(shape, use, DType::f32, std::as_bytes(values));
  }

  /// A vector [units * width] f32.
  Weight vector(std::span<const float> values) {
    return floats({-1, Axis::hidden, 1, std::ssize(values), 1}, WeightUse::vector, values);
  }

  /// A value with row t = row token_ids[t] of `rows`, relabelled as [units, width]: rows are dense,
  /// so the same numbers serve.
  Tensor input(std::span<const float> rows, Axis axis, int64_t units, int64_t width) {
    const int64_t columns = units * width;
    Tensor value = graph.embed(
        floats({-1, Axis::vocab, std::ssize(rows) / columns, 1, columns}, WeightUse::lookup, rows));
    value.spec.axis = axis;
    value.spec.units = units;
    value.spec.width = width;
    return value;
  }

  State state(StateSpec spec, int64_t units) {
    auto buffer = device_.allocate_state(spec, options_, units);
    keep(buffer);
    state_infos_.push_back({"state." + std::to_string(states_.size()), spec});
    states_.push_back(buffer.ok() ? std::move(buffer).value() : nullptr);
    return {static_cast<int32_t>(states_.size()) - 1};
  }

  /// The type that a device is asked about for `op`: of its weight matrix, or of KV; none for the
  /// others.
  std::optional<DType> type_of(const Op& op) const {
    if (const Weight matrix = matrix_of(op); matrix.present()) return types_[index(matrix)];
    if (std::holds_alternative<KvWrite>(op) || std::holds_alternative<Attention>(op))
      return options_.kv_dtype;
    return std::nullopt;
  }

  Status compile(const Sizes& sizes) {
    if (error_) return *error_;
    weight_pointers_.clear();
    state_pointers_.clear();
    for (const auto& w : weights_) weight_pointers_.push_back(w.get());
    for (const auto& s : states_) state_pointers_.push_back(s.get());
    TROIKA_TRY(program_, device_.compile(graph, sizes,
                                         {.weights = weight_pointers_,
                                          .state_infos = state_infos_,
                                          .states = state_pointers_,
                                          .state_options = options_}));
    return ok();
  }

  /// Runs a step and waits for it. The graph's Output::logits as floats, [rows, elements]; empty
  /// where it has none.
  Result<std::vector<float>> run(const StepInputs& inputs) {
    return run<float>(inputs, Output::logits);
  }
  /// The same for Output::argmax.
  Result<std::vector<int32_t>> run_argmax(const StepInputs& inputs) {
    return run<int32_t>(inputs, Output::argmax);
  }

 private:
  using Buffers = std::vector<std::unique_ptr<Buffer>>;

  static size_t index(const Weight& weight) { return static_cast<size_t>(weight.id); }

  template <typename T>
  void keep(const Result<T>& result) {
    if (!result.ok() && !error_) error_ = result.error();
  }

  template <typename T>
  Status bind(Buffers& buffers, BufferView& view, const std::vector<T>& values) {
    if (values.empty()) return ok();
    const auto bytes = std::as_bytes(std::span(values));
    TROIKA_TRY(std::unique_ptr<Buffer> buffer, device_.allocate(std::ssize(bytes)));
    view = {buffer.get(), 0};
    TROIKA_TRY([[maybe_unused]] Event written, device_.write(view, bytes));
    buffers.push_back(std::move(buffer));
    return ok();
  }

  Status bind_inputs(Buffers& buffers, Bindings& b, const StepInputs& in) {
    TROIKA_RETURN_IF_ERROR(bind(buffers, b[Input::token_ids], in.token_ids));
    TROIKA_RETURN_IF_ERROR(bind(buffers, b[Input::positions], in.positions));
    TROIKA_RETURN_IF_ERROR(bind(buffers, b[Input::spans], in.spans));
    TROIKA_RETURN_IF_ERROR(bind(buffers, b[Input::output_spans], in.output_spans));
    TROIKA_RETURN_IF_ERROR(bind(buffers, b[Input::page_table], in.page_table));
    TROIKA_RETURN_IF_ERROR(bind(buffers, b[Input::output_rows], in.output_rows));
    TROIKA_RETURN_IF_ERROR(bind(buffers, b[Input::hidden_in], in.hidden_in));
    TROIKA_RETURN_IF_ERROR(bind(buffers, b[Input::hidden_out], in.hidden_out));
    return bind(buffers, b[Input::row_blocks], in.row_blocks);
  }

  int64_t result_elements(Output output, const Bindings& b) const {
    const auto& value = graph.output(output);
    if (!value) return 0;
    return (value->spec.rows == Rows::outputs ? b.outputs : b.tokens) * value->spec.elements();
  }

  template <typename T>
  Result<std::vector<T>> run(const StepInputs& in, Output wanted) {
    Buffers buffers;
    Result<std::vector<T>> result = run<T>(buffers, in, wanted);
    // The buffers die here: whatever was accepted must have finished.
    const Status rest = device_.wait(last_);
    if (result.ok() && !rest.ok()) return rest.error();
    return result;
  }

  template <typename T>
  Result<std::vector<T>> run(Buffers& buffers, const StepInputs& in, Output wanted) {
    Bindings b{.tokens = std::ssize(in.token_ids),
               .outputs = std::ssize(in.output_rows),
               .sequences = std::ssize(in.spans),
               .output_sequences = std::ssize(in.output_spans)};
    TROIKA_RETURN_IF_ERROR(bind_inputs(buffers, b, in));
    for (const Output output : {Output::logits, Output::argmax}) {
      const int64_t bytes = result_elements(output, b) * 4;
      TROIKA_TRY(std::unique_ptr<Buffer> buffer, device_.allocate(bytes));
      b[output] = {buffer.get(), 0};
      buffers.push_back(std::move(buffer));
    }
    TROIKA_TRY(last_, device_.run(*program_, b));
    std::vector<T> values(static_cast<size_t>(result_elements(wanted, b)));
    TROIKA_TRY(last_, device_.read(b[wanted], std::as_writable_bytes(std::span(values))));
    TROIKA_RETURN_IF_ERROR(device_.wait(last_));
    return values;
  }

  Device& device_;
  StateOptions options_;
  std::vector<std::unique_ptr<ImportedWeight>> weights_;
  std::vector<DType> types_;
  std::vector<ImportedWeight*> weight_pointers_;
  std::vector<StateInfo> state_infos_;
  Buffers states_;
  std::vector<Buffer*> state_pointers_;
  std::unique_ptr<Executable> program_;
  Event last_;
  std::optional<Error> error_;
};

}  // namespace troika::testing
