#include "device/vulkan/planning.h"

#include <algorithm>

namespace troika::vulkan {
namespace {

constexpr int64_t kSlotBytesMax = int64_t{1} << 33;  // indices of shaders have 32 bits
constexpr int64_t kStepRowsMax = int64_t{1} << 24;

struct LocatePush {
  uint64_t spans, row_spans, faults;
  uint32_t rows, count, of_outputs;
};

struct ZeroPush {
  uint64_t y, row_spans;
  uint32_t rows, width;
};

constexpr std::string_view kMatrix = "matrix";
constexpr std::string_view kStack = "stack of matrices";
constexpr std::string_view kVector = "vector";

std::string_view use_of(const VulkanWeight& weight) {
  if (weight.is_vector) return kVector;
  return weight.is_stack ? kStack : kMatrix;
}

}  // namespace

Planning::Planning(const Graph& graph, const Sizes& sizes, const Resources& resources,
                   const Workshop& workshop)
    : graph_(graph),
      resources_(resources),
      workshop_(workshop),
      schedule_(graph.values(), std::ssize(resources.states) + 1) {
  program_->sizes = sizes;
  program_->stream = &workshop.stream;
}

Result<const VulkanWeight*> Planning::weight(const Weight& weight, std::string_view use) const {
  if (weight.id < 0 || weight.id >= std::ssize(resources_.weights))
    return fail(ErrorCode::invalid_argument, "weight {} of {}", weight.id,
                resources_.weights.size());
  const auto* imported =
      dynamic_cast<const VulkanWeight*>(resources_.weights[static_cast<size_t>(weight.id)]);
  if (imported == nullptr || use_of(*imported) != use)
    return fail(ErrorCode::invalid_argument, "weight {} was not imported by this device as a {}",
                weight.id, use);
  if (imported->rows != weight.rows() || imported->inputs != weight.inputs)
    return fail(ErrorCode::invalid_argument, "weight {} is [{}, {}], wanted [{}, {}]",
                imported->name, imported->rows, imported->inputs, weight.rows(), weight.inputs);
  return imported;
}

Result<const VulkanWeight*> Planning::matrix(const Weight& w) const {
  return weight(w, kMatrix);
}

Result<const VulkanWeight*> Planning::stack(const Weight& w) const {
  return weight(w, kStack);
}

Result<const VulkanWeight*> Planning::vector(const Weight& w) const {
  return weight(w, kVector);
}

Result<const VulkanBuffer*> Planning::state(State state, const StateSpec& wanted) const {
  const int32_t id = state.id;
  if (id < 0 || id >= std::ssize(resources_.states) || id >= std::ssize(resources_.state_infos))
    return fail(ErrorCode::invalid_argument, "state {} of {}", id, resources_.states.size());
  const std::string& name = resources_.state_infos[static_cast<size_t>(id)].name;
  const auto* buffer =
      dynamic_cast<const VulkanBuffer*>(resources_.states[static_cast<size_t>(id)]);
  if (buffer == nullptr || !buffer->state || !buffer->is_of(workshop_.stream))
    return fail(ErrorCode::invalid_argument, "state {} was not allocated by this device", name);
  if (buffer->state->spec != wanted)
    return fail(ErrorCode::invalid_argument, "state {} has other sizes than the op", name);
  const StateOptions& options = buffer->state->options;
  if (options.kv_dtype != resources_.state_options.kv_dtype ||
      options.log_tokens != resources_.state_options.log_tokens)
    return fail(ErrorCode::invalid_argument, "state {} was allocated with other options", name);
  return buffer;
}

Result<uint64_t> Planning::constant(const std::vector<uint32_t>& words) {
  const auto bytes = std::as_bytes(std::span(words));
  TROIKA_TRY(Part part, workshop_.memory.allocate(std::ssize(bytes)));
  TROIKA_TRY([[maybe_unused]] const uint64_t call, workshop_.stream.write(part.place(), bytes));
  program_->constants.push_back(part);
  return part.address();
}

Status Planning::read_row_blocks(int64_t blocks) {
  if (program_->row_blocks != 0 && program_->row_blocks != blocks)
    return fail(ErrorCode::unsupported, "{} blocks of rows beside {} in one graph", blocks,
                program_->row_blocks);
  read(Input::row_blocks);
  program_->row_blocks = blocks;
  return ok();
}

Result<Slot> Planning::row_spans(Rows rows) {
  const bool outputs = rows == Rows::outputs;
  Slot& slot = outputs ? output_spans_ : token_spans_;
  if (slot >= 0) return slot;
  const Input input = outputs ? Input::output_spans : Input::spans;
  read(input);
  slot = add_slot(rows, sizeof(int32_t));
  TROIKA_TRY(const VkPipeline shader, pipeline("locate"));
  add(
      [=, to = slot](const Step& step, const Recorder& recorder) {
        const int64_t count = outputs ? step.output_sequences : step.sequences;
        recorder.dispatch(shader,
                          LocatePush{step[input], step[to], step.faults, count32(step.rows(rows)),
                                     count32(count), outputs ? 1U : 0U},
                          groups_of(step.rows(rows)));
      },
      {.writes = {slot}});
  return slot;
}

Status Planning::zero_uncovered(const Tensor& value) {
  TROIKA_TRY(const Slot spans, row_spans(value.spec.rows));
  TROIKA_TRY(const VkPipeline shader, pipeline("zero_uncovered"));
  add(
      [=](const Step& step, const Recorder& recorder) {
        const int64_t rows = step.rows(value.spec.rows);
        recorder.dispatch(
            shader,
            ZeroPush{step[value], step[spans], count32(rows), count32(value.spec.elements())},
            groups_of(rows * value.spec.elements()));
      },
      {.reads = {spans}, .writes = {value.id}});
  return ok();
}

Result<Transport*> Planning::transport() const {
  if (resources_.transport != nullptr) return resources_.transport;
  return fail(ErrorCode::invalid_argument, "there is no group to show values to");
}

int64_t Planning::add_exchange(const Tensor& exchange) {
  exchanges_.push_back(exchange.id);
  return std::ssize(exchanges_) - 1;
}

Result<int64_t> Planning::number_of(const Tensor& exchange) const {
  const auto found = std::ranges::find(exchanges_, exchange.id);
  if (found == exchanges_.end())
    return fail(ErrorCode::invalid_argument, "value {} is no exchange", exchange.id);
  return found - exchanges_.begin();
}

int64_t Planning::rows_max(Rows rows) const {
  if (rows == Rows::tokens) return program_->sizes.tokens;
  return rows == Rows::outputs ? program_->sizes.outputs : 0;
}

void Planning::begin(const Node& node) {
  const Spec& spec = node.value.spec;
  schedule_.set_bytes(node.value.id, rows_max(spec.rows) * spec.elements() * 4);
}

Status Planning::name_results() {
  program_->slots.resize(schedule_.lives().size());
  for (int i = 0; i < kOutputs; i++) {
    const std::optional<Tensor>& value = graph_.output(static_cast<Output>(i));
    if (!value) continue;
    if (value->id < 0 || value->id >= graph_.values() || value->spec.rows == Rows::none)
      return fail(ErrorCode::invalid_argument, "result {} is value {} of {}", i, value->id,
                  graph_.values());
    SlotPlace& place = program_->slots[static_cast<size_t>(value->id)];
    if (place.output >= 0)
      return fail(ErrorCode::invalid_argument, "value {} is named as two results", value->id);
    place.output = i;
    program_->results[static_cast<size_t>(i)] = value->spec;
    schedule_.set_bytes(value->id, 0);
  }
  return ok();
}

Result<std::unique_ptr<Program>> Planning::finish() {
  TROIKA_RETURN_IF_ERROR(name_results());
  std::vector<SlotLife> lives = schedule_.lives();
  for (const SlotLife& life : lives)
    if (life.bytes < 0 || life.bytes > kSlotBytesMax)
      return fail(ErrorCode::exhausted, "a value of {} bytes for steps of {} tokens", life.bytes,
                  program_->sizes.tokens);
  program_->arena_bytes = plan_memory(lives);
  for (size_t i = 0; i < lives.size(); i++) program_->slots[i].offset = lives[i].offset;
  program_->commands = schedule_.take_commands();
  return std::move(program_);
}

Result<std::unique_ptr<Program>> plan_program(const Graph& graph, const Sizes& sizes,
                                              const Resources& resources,
                                              const Workshop& workshop) {
  TROIKA_RETURN_IF_ERROR(graph.check());
  for (const int64_t size : {sizes.tokens, sizes.outputs, sizes.sequences})
    if (size < 0 || size > kStepRowsMax)
      return fail(ErrorCode::invalid_argument, "steps of {} rows, wanted 0 to {}", size,
                  kStepRowsMax);
  Planning planning(graph, sizes, resources, workshop);
  const auto plan_node = [&](const Node& node) -> Status {
    planning.begin(node);
    Status status =
        std::visit([&](const auto& op) { return plan(planning, op, node.value); }, node.op);
    if (status.ok()) status = planning.check();
    if (status.ok()) return status;
    return fail(status.error().code(), "op {} ({}): {}", node.value.id, op_name(node.op),
                status.error().message());
  };
  const auto is_load = [](const Node& n) { return std::holds_alternative<LoadRows>(n.op); };
  // Hidden rows are loaded as they were before the step, so before anything stores.
  for (const Node& node : graph.nodes())
    if (is_load(node)) TROIKA_RETURN_IF_ERROR(plan_node(node));
  for (const Node& node : graph.nodes())
    if (!is_load(node)) TROIKA_RETURN_IF_ERROR(plan_node(node));
  return planning.finish();
}

}  // namespace troika::vulkan
