#include "device/device.h"

#include <algorithm>
#include <array>
#include <span>
#include <variant>
#include <vector>

#include "device/memory_plan.h"
#include "graph/operands.h"

namespace troika {
namespace {

constexpr int64_t kCopyShrinks = 3;  // inputs of products in 8 bits and their scales

}  // namespace

Status check_counts(const Bindings& bindings, const Sizes& sizes) {
  struct Count {
    std::string_view name;
    int64_t count;
    int64_t largest;
  };
  for (const Count& c : {Count{"tokens", bindings.tokens, sizes.tokens},
                         Count{"outputs", bindings.outputs, sizes.outputs},
                         Count{"sequences", bindings.sequences, sizes.sequences},
                         Count{"output sequences", bindings.output_sequences, sizes.sequences}})
    if (c.count < 0 || c.count > c.largest)
      return fail(ErrorCode::invalid_argument, "{} {}, compiled for 0 to {}", c.count, c.name,
                  c.largest);
  return ok();
}

Result<int64_t> state_bytes(const DeviceInfo& device, const StateSpec& spec,
                            const StateOptions& options, int64_t units) {
  const int64_t unit_bytes = state_unit_bytes(spec, options);
  if (units < 0 || unit_bytes < 0)
    return fail(ErrorCode::invalid_argument, "{} units of {} bytes", units, unit_bytes);
  if (unit_bytes > 0 && units > device.memory_bytes / unit_bytes)
    return fail(ErrorCode::exhausted, "{} units of {} bytes: {} has {} bytes in all", units,
                unit_bytes, device.name, device.memory_bytes);
  return units * unit_bytes;
}

int64_t Device::weight_bytes(const WeightInfo& weight) const {
  return dtype_bytes(weight.dtype, weight.weight.rows() * weight.weight.inputs);
}

Result<std::unique_ptr<ImportedWeight>> Device::import_part(const WeightInfo& whole,
                                                            const WeightCut& cut,
                                                            const ImportOptions& options) {
  WeightInfo part = whole;
  part.weight = cut.weight;
  part.split = cut.split;
  std::vector<std::byte> storage;
  part.data = cut_bytes(whole, cut, storage);
  // Hooks are about bytes of the file; of a copy nobody else knows.
  if (storage.empty()) return import_weight(part, options);
  return import_weight(part, {.must_be_finite = options.must_be_finite});
}

int64_t Device::program_bytes(const Graph& graph, const Sizes& sizes) const {
  const auto bytes_of = [&](Rows rows, int64_t elements) {
    const int64_t count = rows == Rows::tokens    ? sizes.tokens
                          : rows == Rows::outputs ? sizes.outputs
                                                  : 0;
    return count * elements * static_cast<int64_t>(sizeof(float));
  };
  const int64_t count = graph.values();
  std::vector<SlotLife> lives(static_cast<size_t>(2 * count));  // values, then copies for products
  int64_t phase = 0;  // elementwise ops go with the large one before them
  for (const Node& node : graph.nodes()) {
    Op op = node.op;
    const Operands operands = operands_of(op);
    const bool product = matrix_of(op).present() && !std::holds_alternative<Embed>(op);
    if (product || operands.state != nullptr) phase++;
    lives[static_cast<size_t>(node.value.id)] = {
        .bytes = bytes_of(node.value.spec.rows, node.value.spec.elements()),
        .first = phase,
        .last = phase};
    for (const Tensor* tensor : operands.tensors) {
      SlotLife& read = lives[static_cast<size_t>(tensor->id)];
      read.last = phase;
      if (!product || tensor != operands.tensors[0]) continue;
      SlotLife& copy = lives[static_cast<size_t>(count + tensor->id)];
      if (copy.bytes == 0) copy.first = phase - 1;  // made in the phase before
      copy.bytes = read.bytes / kCopyShrinks;
      copy.last = phase;
    }
  }
  for (const Output output : {Output::logits, Output::argmax})
    if (const auto& value = graph.output(output)) lives[static_cast<size_t>(value->id)].bytes = 0;
  return plan_memory(lives);
}

Result<Event> Device::fill(BufferView to, std::byte value, int64_t bytes) {
  std::array<std::byte, 16384> piece;
  piece.fill(value);
  Event last;
  for (int64_t done = 0; done < bytes; done += std::ssize(piece)) {
    const auto length = static_cast<size_t>(std::min<int64_t>(bytes - done, std::ssize(piece)));
    TROIKA_TRY(last, write({to.buffer, to.offset + done}, std::span(piece).first(length)));
  }
  return last;
}

}  // namespace troika
