#include "device/reference/reference_device.h"

#include <cstring>
#include <string_view>

#include "device/reference/ops.h"
#include "device/reference/program.h"
#include "device/reference/step.h"
#include "device/reference/storage.h"
#include "quant/decode.h"

namespace troika {
namespace reference {
namespace {

bool decodes(DType dtype) {
  return dtype_info(dtype).decodes;
}

struct Supports {
  DType dtype;
  bool operator()(const Embed&) const { return decodes(dtype); }
  bool operator()(const MatMul&) const { return decodes(dtype); }
  bool operator()(const MatMulBlocks&) const { return decodes(dtype); }
  bool operator()(const ExpertMatMul&) const { return decodes(dtype); }
  bool operator()(const ExpertSum&) const { return decodes(dtype); }
  bool operator()(const KvWrite&) const { return is_kv_dtype(dtype); }
  bool operator()(const Attention&) const { return is_kv_dtype(dtype); }
  // It is no member of groups: what is compared with it is one device.
  bool operator()(const ArgmaxPair&) const { return false; }
  bool operator()(const Exchange&) const { return false; }
  bool operator()(const SumParts&) const { return false; }
  bool operator()(const BestPair&) const { return false; }
  template <typename AnyOther>
  bool operator()(const AnyOther&) const {
    return true;
  }
};

Status run_node(Step& step, const Node& node) {
  step.make(node.value);
  const Status status =
      std::visit([&](const auto& op) { return compute(step, op, node.value); }, node.op);
  if (status.ok()) return status;
  return fail(status.error().code(), "op {} ({}): {}", node.value.id, op_name(node.op),
              status.error().message());
}

Status run_program(const Program& program, const Bindings& bindings) {
  TROIKA_RETURN_IF_ERROR(check_counts(bindings, program.sizes));
  Step step(program, bindings);
  const auto is_load = [](const Node& node) { return std::holds_alternative<LoadRows>(node.op); };
  // Rows are loaded from the state as it was before the step, so before anything stores.
  for (const Node& node : program.nodes)
    if (is_load(node)) TROIKA_RETURN_IF_ERROR(run_node(step, node));
  for (const Node& node : program.nodes) {
    if (!is_load(node)) TROIKA_RETURN_IF_ERROR(run_node(step, node));
    step.release(node.value.id);
  }
  for (int i = 0; i < kOutputs; i++)
    if (const auto& value = program.outputs[static_cast<size_t>(i)])
      TROIKA_RETURN_IF_ERROR(step.write_result(static_cast<Output>(i), *value));
  return ok();
}

/// The bytes [offset, offset + bytes) of a buffer of this device.
Result<std::byte*> range(const BufferView& view, int64_t bytes, std::string_view what) {
  const auto* buffer = dynamic_cast<const HostBuffer*>(view.buffer);
  if (buffer == nullptr)
    return fail(ErrorCode::invalid_argument, "{}: no buffer of this device", what);
  if (view.offset < 0 || bytes < 0 || bytes > buffer->bytes() - view.offset)
    return fail(ErrorCode::invalid_argument, "{}: {} bytes at {} of a buffer of {}", what, bytes,
                view.offset, buffer->bytes());
  return buffer->data() + view.offset;
}

class ReferenceDevice final : public Device {
 public:
  explicit ReferenceDevice(HostAllocator memory)
      : memory_(std::move(memory)), info_{"reference", memory_.limit_bytes()} {}

  const DeviceInfo& info() const override { return info_; }

  bool supports(const Op& op, DType dtype) const override {
    return std::visit(Supports{dtype}, op);
  }

  Result<std::unique_ptr<Buffer>> allocate(int64_t bytes) override {
    TROIKA_TRY(HostMemory memory, memory_.allocate(bytes));
    return std::make_unique<HostBuffer>(std::move(memory), std::nullopt);
  }

  Result<std::unique_ptr<Buffer>> allocate_state(const StateSpec& spec, const StateOptions& options,
                                                 int64_t units) override {
    if (const Status status = check_state(spec, options); !status.ok())
      return fail(status.error().code(), "{}: {}", info_.name, status.error().message());
    TROIKA_TRY(const int64_t bytes, state_bytes(info_, spec, options, units));
    TROIKA_TRY(HostMemory memory, memory_.allocate(bytes));
    return std::make_unique<HostBuffer>(std::move(memory), StateShape{spec, options, units});
  }

  Result<std::unique_ptr<ImportedWeight>> import_weight(const WeightInfo& weight,
                                                        const ImportOptions& options) override {
    const DTypeInfo& type = dtype_info(weight.dtype);
    if (!type.decodes)
      return fail(ErrorCode::unsupported, "{}: type {} is not supported on {}", weight.name,
                  type.name, info_.name);
    const int64_t rows = weight.weight.rows();
    const int64_t inputs = weight.weight.inputs;
    if (rows < 0 || inputs < 0 || inputs % type.block != 0 ||
        dtype_bytes(weight.dtype, rows * inputs) != std::ssize(weight.data))
      return fail(ErrorCode::invalid_argument, "{}: {} bytes are not [{}, {}] of {}", weight.name,
                  weight.data.size(), rows, inputs, type.name);
    if (options.must_be_finite)
      TROIKA_RETURN_IF_ERROR(
          check_finite(weight.dtype, weight.data.data(), rows * inputs, weight.name));
    auto matrix = std::make_unique<FloatMatrix>(weight.name, rows, inputs);
    decode_row(weight.dtype, weight.data.data(), matrix->values.data(), rows * inputs);
    return matrix;
  }

  int64_t weight_bytes(const WeightInfo& weight) const override {
    return weight.weight.rows() * weight.weight.inputs * int64_t{sizeof(float)};
  }

  Result<std::unique_ptr<Executable>> compile(const Graph& graph, const Sizes& sizes,
                                              const Resources& resources) override {
    TROIKA_TRY(std::unique_ptr<Executable> program, make_program(graph, sizes, resources));
    return program;
  }

  Result<Event> run(Executable& program, const Bindings& bindings) override {
    const auto* mine = dynamic_cast<const Program*>(&program);
    if (mine == nullptr)
      return fail(ErrorCode::invalid_argument, "the program was compiled by another device");
    TROIKA_RETURN_IF_ERROR(run_program(*mine, bindings));
    return Event{++calls_};
  }

  Result<Event> write(BufferView to, std::span<const std::byte> source) override {
    TROIKA_TRY(std::byte* const target, range(to, std::ssize(source), "write"));
    if (!source.empty()) std::memcpy(target, source.data(), source.size());
    return Event{++calls_};
  }

  Result<Event> read(BufferView from, std::span<std::byte> destination) override {
    TROIKA_TRY(const std::byte* const source, range(from, std::ssize(destination), "read"));
    if (!destination.empty()) std::memcpy(destination.data(), source, destination.size());
    return Event{++calls_};
  }

  Result<Event> copy(BufferView from, BufferView to, int64_t bytes) override {
    TROIKA_TRY(const std::byte* const source, range(from, bytes, "copy from"));
    TROIKA_TRY(std::byte* const target, range(to, bytes, "copy to"));
    if (from.buffer == to.buffer && from.offset < to.offset + bytes &&
        to.offset < from.offset + bytes)
      return fail(ErrorCode::invalid_argument, "copy of {} bytes from {} to {} overlaps", bytes,
                  from.offset, to.offset);
    if (bytes > 0) std::memcpy(target, source, static_cast<size_t>(bytes));
    return Event{++calls_};
  }

  Status wait(Event event) override {
    if (event.number > calls_)
      return fail(ErrorCode::invalid_argument, "wait for call {} of {}", event.number, calls_);
    return ok();
  }

 private:
  HostAllocator memory_;
  DeviceInfo info_;
  uint64_t calls_ = 0;
};

}  // namespace
}  // namespace reference

std::unique_ptr<Device> make_reference_device(HostAllocator memory) {
  return std::make_unique<reference::ReferenceDevice>(std::move(memory));
}

}  // namespace troika
