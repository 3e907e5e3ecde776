#include "device/cpu/planner.h"

#include <algorithm>
#include <map>
#include <utility>

#include "device/cpu/attention_job.h"
#include "device/cpu/collective_jobs.h"
#include "device/cpu/delta_job.h"
#include "device/cpu/expert_jobs.h"
#include "device/cpu/expert_order.h"
#include "device/cpu/jobs.h"
#include "device/cpu/resources.h"
#include "device/cpu/row_steps.h"
#include "device/cpu/schedule.h"
#include "device/memory_plan.h"

namespace troika::cpu {
namespace {

constexpr int64_t kSlotBytesMax = int64_t{1} << 50;
constexpr int64_t kStepRowsMax = int64_t{1} << 24;

class Planner {
 public:
  Planner(const Graph& graph, const Sizes& sizes, const Resources& resources, int threads)
      : graph_(graph),
        resources_(resources),
        threads_(threads),
        schedule_(graph.values(), std::ssize(resources.states) + 1) {
    program_->sizes = sizes;
    program_->scratch_bytes = matmul_scratch_bytes();
  }

  Result<std::unique_ptr<Program>> plan() {
    const auto is_load = [](const Node& n) { return std::holds_alternative<LoadRows>(n.op); };
    // Hidden rows are loaded as they were before the step, so before anything stores.
    for (const Node& node : graph_.nodes())
      if (is_load(node)) TROIKA_RETURN_IF_ERROR(plan_node(node));
    for (const Node& node : graph_.nodes())
      if (!is_load(node)) TROIKA_RETURN_IF_ERROR(plan_node(node));
    TROIKA_RETURN_IF_ERROR(name_results());
    if (last_shown_ >= 0) schedule_.keep(last_shown_);
    TROIKA_RETURN_IF_ERROR(place_slots());
    program_->phases = schedule_.take_phases();
    return std::move(program_);
  }

 private:
  Status plan_node(const Node& node) {
    const int32_t id = node.value.id;
    schedule_.set_bytes(
        id, rows_max(node.value.spec.rows) * node.value.spec.elements() * int64_t{sizeof(float)});
    Status status = std::visit([&](const auto& op) { return plan_op(op, node.value); }, node.op);
    if (status.ok()) status = schedule_.check();
    if (status.ok()) return status;
    return fail(status.error().code(), "op {} ({}): {}", id, op_name(node.op),
                status.error().message());
  }

  Status plan_op(const Embed& op, const Tensor& y) {
    TROIKA_TRY(const ImportedWeight* weight, find_weight(resources_, op.table));
    const auto* rows = dynamic_cast<const LookupRows*>(weight);
    if (rows == nullptr) {
      TROIKA_TRY(const PackedMatrix* matrix, find_matrix(resources_, op.table));
      schedule_.add_row_step(Rows::tokens, embed_step(*matrix, y.id), {.writes = {y.id}});
    } else {
      if (rows->rows() != op.table.rows() || rows->columns() != op.table.inputs)
        return fail(ErrorCode::invalid_argument, "table is [{}, {}], wanted [{}, {}]", rows->rows(),
                    rows->columns(), op.table.rows(), op.table.inputs);
      schedule_.add_row_step(Rows::tokens, embed_step(*rows, y.id), {.writes = {y.id}});
    }
    needs()[Input::token_ids] = true;
    needs().vocab = std::min(needs().vocab, op.table.rows());
    return ok();
  }

  Status plan_op(const MatMul& op, const Tensor& y) {
    TROIKA_TRY(const PackedMatrix* matrix, find_matrix(resources_, op.w));
    const Slot activations = activations_for(op.x, activations_of(*matrix));
    schedule_.add_job(matmul_job(*matrix, op, activations, y.id),
                      {.reads = {activations}, .writes = {y.id}});
    return ok();
  }

  Status plan_op(const MatMulBlocks& op, const Tensor& y) {
    TROIKA_TRY(const PackedMatrix* matrix, find_matrix(resources_, op.w));
    TROIKA_RETURN_IF_ERROR(need_row_blocks(op.blocks));
    const int64_t blocks = op.total_blocks > 0 ? op.total_blocks : op.w.rows() / kBlockRows;
    needs().row_blocks_end = std::min(needs().row_blocks_end, blocks);
    const Slot activations = activations_for(op.x, activations_of(*matrix));
    schedule_.add_job(matmul_blocks_job(*matrix, op, activations, y.id),
                      {.reads = {activations}, .writes = {y.id}});
    return ok();
  }

  Status plan_op(const RmsNorm& op, const Tensor& y) {
    TROIKA_TRY(const VectorWeight* weight, find_vector(resources_, op.weight));
    schedule_.add_row_step(y.spec.rows, rms_norm_step(op, weight->data(), y.id),
                           {.reads = {op.x.id}, .writes = {y.id}});
    return ok();
  }

  Status plan_op(const L2Norm& op, const Tensor& y) {
    schedule_.add_row_step(y.spec.rows, l2_norm_step(op, y.id),
                           {.reads = {op.x.id}, .writes = {y.id}});
    return ok();
  }

  Status plan_op(const Rope& op, const Tensor& y) {
    const RopeSlots table = rope_table(op.options);
    if (y.spec.rows == Rows::outputs) needs()[Input::output_rows] = true;
    schedule_.add_row_step(y.spec.rows, rope_step(op, table, y.id),
                           {.reads = {op.x.id, table.cosine, table.sine}, .writes = {y.id}});
    return ok();
  }

  Status plan_op(const KvWrite& op, const Tensor&) {
    const KvState spec{op.k.spec.units, op.k.spec.width, op.v.spec.width};
    TROIKA_TRY(const CpuBuffer* state, find_state(resources_, op.state, spec));
    need_pages(*state, false);
    schedule_.add_row_step(Rows::tokens, kv_write_step(op, *state),
                           {.reads = {op.k.id, op.v.id}, .state_written = op.state});
    return ok();
  }

  Status plan_op(const Attention& op, const Tensor& y) {
    const KvState spec{op.kv_heads, op.q.spec.width, op.value_dim};
    TROIKA_TRY(const CpuBuffer* state, find_state(resources_, op.state, spec));
    const bool outputs = y.spec.rows == Rows::outputs;
    need_pages(*state, outputs);
    AttentionPlan plan{.op = op, .state = state};
    plan.tile_list = tile_list(attention_tile_rows(op), outputs);
    plan.tile_heads = attention_tile_heads(op);
    plan.head_groups = (y.spec.units / op.kv_heads + plan.tile_heads - 1) / plan.tile_heads;
    plan.partial_room = attention_partial_room(op, threads_);
    plan.partials = schedule_.add_slot(plan.partial_room * int64_t{sizeof(float)});
    plan.y = y.id;
    need_scratch(attention_scratch_bytes(op));
    schedule_.add_job(
        attention_job(plan),
        {.reads = {op.q.id}, .writes = {y.id, plan.partials}, .state_read = op.state});
    // Who reads y waits for the merge, and the merge is the second to write it.
    schedule_.add_job(attention_merge_job(plan),
                      {.reads = {plan.partials, op.q.id}, .writes = {y.id}});
    return ok();
  }

  Status plan_op(const CausalConv& op, const Tensor& y) {
    TROIKA_TRY(const VectorWeight* taps, find_vector(resources_, op.taps));
    if (op.taps.inputs > kConvTapsMax)
      return fail(ErrorCode::unsupported, "{} taps, wanted up to {} on cpu", op.taps.inputs,
                  kConvTapsMax);
    const ConvState spec{op.x.spec.elements(), op.taps.inputs};
    TROIKA_TRY(const CpuBuffer* state, find_state(resources_, op.state, spec));
    need_slots(*state);
    schedule_.add_jobs(conv_job(op, taps->data(), *state, y.id), zero_uncovered_job(y),
                       {.reads = {op.x.id}, .writes = {y.id}, .state_written = op.state});
    return ok();
  }

  Status plan_op(const GatedDeltaRule& op, const Tensor& y) {
    TROIKA_TRY(const VectorWeight* a, find_vector(resources_, op.a));
    TROIKA_TRY(const VectorWeight* bias, find_vector(resources_, op.decay_bias));
    const DeltaState spec{op.v.spec.units, op.k.spec.width, op.v.spec.width};
    TROIKA_TRY(const CpuBuffer* state, find_state(resources_, op.state, spec));
    need_slots(*state);
    need_scratch(delta_scratch_bytes(op));
    const int64_t gate_bytes = rows_max(Rows::tokens) * op.v.spec.units * int64_t{sizeof(float)};
    const Slot decay = schedule_.add_slot(gate_bytes);
    const Slot beta = schedule_.add_slot(gate_bytes);
    schedule_.add_row_step(Rows::tokens, delta_gates_step(op, a->data(), bias->data(), decay, beta),
                           {.reads = {op.decay_in.id, op.beta_in.id}, .writes = {decay, beta}});
    const DeltaPlan plan{.op = op, .state = state, .decay = decay, .beta = beta, .y = y.id};
    schedule_.add_jobs(delta_job(plan), zero_uncovered_job(y),
                       {.reads = {op.q.id, op.k.id, op.v.id, decay, beta},
                        .writes = {y.id},
                        .state_written = op.state});
    schedule_.add_job(delta_log_job(plan),
                      {.reads = {y.id, op.k.id, decay}, .state_written = op.state});
    return ok();
  }

  Status plan_op(const RouterTopK& op, const Tensor& y) {
    const float* bias = nullptr;
    if (op.selection_bias.present()) {
      TROIKA_TRY(const VectorWeight* weight, find_vector(resources_, op.selection_bias));
      bias = weight->data();
    }
    schedule_.add_row_step(y.spec.rows, router_step(op, bias, y.id),
                           {.reads = {op.logits.id}, .writes = {y.id}});
    return ok();
  }

  Status plan_op(const ExpertMatMul& op, const Tensor& y) {
    TROIKA_TRY(const PackedExperts* experts, find_experts(resources_, op.w));
    const ExpertSlots slots{.activations = activations_for(op.x, activations_of((*experts)[0])),
                            .order = order_for(op.routing, rows_max(y.spec.rows))};
    need_scratch(expert_matmul_scratch_bytes(*experts));
    schedule_.add_job(
        expert_matmul_job(op, *experts, slots, y),
        {.reads = {slots.activations, slots.order, op.routing.chosen.id}, .writes = {y.id}});
    return ok();
  }

  Status plan_op(const ExpertSum& op, const Tensor& y) {
    TROIKA_TRY(const PackedExperts* experts, find_experts(resources_, op.w));
    const Activations kind = activations_of((*experts)[0]);
    const int64_t pairs = rows_max(y.spec.rows) * op.x.spec.units;
    const ExpertSlots slots{
        .activations = schedule_.add_slot(pairs * pair_bytes(kind, op.w.inputs)),
        .order = order_for(op.routing, expert_sum_tile_rows(op, *experts))};
    need_scratch(expert_sum_scratch_bytes(op, *experts));
    schedule_.add_row_step(y.spec.rows, quantize_pairs_step(op.x, kind, slots),
                           {.reads = {op.x.id, slots.order}, .writes = {slots.activations}});
    schedule_.add_job(
        expert_sum_job(op, *experts, slots, y),
        {.reads = {slots.activations, slots.order, op.routing.chosen.id}, .writes = {y.id}});
    return ok();
  }

  Status plan_op(const Add& op, const Tensor& y) {
    schedule_.add_row_step(y.spec.rows, add_step(op, y.id),
                           {.reads = {op.a.id, op.b.id}, .writes = {y.id}});
    return ok();
  }

  Status plan_op(const AddBias& op, const Tensor& y) {
    TROIKA_TRY(const VectorWeight* bias, find_vector(resources_, op.bias));
    schedule_.add_row_step(y.spec.rows, add_bias_step(op, bias->data(), y.id),
                           {.reads = {op.x.id}, .writes = {y.id}});
    return ok();
  }

  Status plan_op(const SwiGlu& op, const Tensor& y) {
    schedule_.add_row_step(y.spec.rows, gate_step(op.up, op.gate, GateFunction::silu, y.id),
                           {.reads = {op.gate.id, op.up.id}, .writes = {y.id}});
    return ok();
  }

  Status plan_op(const Gate& op, const Tensor& y) {
    const bool one = op.gate.spec.elements() == 1;  // for the whole row
    schedule_.add_row_step(y.spec.rows,
                           one ? scale_step(op, y.id) : gate_step(op.x, op.gate, op.function, y.id),
                           {.reads = {op.x.id, op.gate.id}, .writes = {y.id}});
    return ok();
  }

  Status plan_op(const Concat& op, const Tensor& y) {
    schedule_.add_row_step(y.spec.rows, concat_step(op, y.id),
                           {.reads = {op.a.id, op.b.id}, .writes = {y.id}});
    return ok();
  }

  Status plan_op(const Slice& op, const Tensor& y) {
    schedule_.add_row_step(y.spec.rows, slice_step(op, y.id),
                           {.reads = {op.x.id}, .writes = {y.id}});
    return ok();
  }

  Status plan_op(const GatherRows& op, const Tensor& y) {
    needs()[Input::output_rows] = true;
    schedule_.add_row_step(Rows::outputs, gather_step(op, y.id),
                           {.reads = {op.x.id}, .writes = {y.id}});
    return ok();
  }

  Status plan_op(const StoreRows& op, const Tensor&) {
    TROIKA_TRY(const CpuBuffer* state,
               find_state(resources_, op.state, HiddenState{op.x.spec.elements()}));
    needs()[Input::hidden_out] = true;
    needs().hidden_out_units = std::min(needs().hidden_out_units, state->state->units);
    (op.x.spec.rows == Rows::outputs ? needs().hidden_out_of_outputs
                                     : needs().hidden_out_of_tokens) = true;
    schedule_.add_row_step(op.x.spec.rows, store_rows_step(op, *state),
                           {.reads = {op.x.id}, .state_written = op.state});
    return ok();
  }

  Status plan_op(const LoadRows& op, const Tensor& y) {
    TROIKA_TRY(const CpuBuffer* state, find_state(resources_, op.state, HiddenState{op.width}));
    needs()[Input::hidden_in] = true;
    needs().hidden_in_units = std::min(needs().hidden_in_units, state->state->units);
    schedule_.add_row_step(Rows::tokens, load_rows_step(op, *state, y.id),
                           {.writes = {y.id}, .state_read = op.state});
    return ok();
  }

  Status plan_op(const Argmax& op, const Tensor& y) {
    const Slot largest = largest_of_runs(op.x);
    schedule_.add_row_step(y.spec.rows, argmax_step(op, largest, y.id),
                           {.reads = {op.x.id, largest}, .writes = {y.id}});
    return ok();
  }

  Status plan_op(const BlockRow& op, const Tensor& y) {
    TROIKA_RETURN_IF_ERROR(need_row_blocks(op.blocks));
    schedule_.add_row_step(y.spec.rows, block_row_step(op, y.id),
                           {.reads = {op.x.id}, .writes = {y.id}});
    return ok();
  }

  Status plan_op(const ArgmaxPair& op, const Tensor& y) {
    const Slot largest = largest_of_runs(op.x);
    schedule_.add_row_step(y.spec.rows, argmax_pair_step(op, largest, y.id),
                           {.reads = {op.x.id, largest}, .writes = {y.id}});
    return ok();
  }

  Status plan_op(const Exchange& op, const Tensor& y) {
    if (resources_.transport == nullptr)
      return fail(ErrorCode::invalid_argument, "there is no group to show values to");
    int64_t row_elements = 0;
    Access access;
    for (const Tensor& value : op.values) {
      row_elements += value.spec.elements();
      access.reads.push_back(value.id);
    }
    // One value is shown where it lies, several side by side.
    Slot shown = 0;
    if (op.values.size() == 1) {
      shown = op.values[0].id;
    } else {
      shown = schedule_.add_slot(rows_max(op.rows) * row_elements * int64_t{sizeof(float)});
      access.writes = {shown};
      schedule_.add_row_step(op.rows, show_step(op, row_elements, shown), access);
    }
    // Others read what was shown before until they are here, too.
    const int64_t number = std::ssize(exchanges_);
    Access exchange{.reads = {shown}, .writes = {y.id}, .state_written = group()};
    if (last_shown_ >= 0) exchange.reads.push_back(last_shown_);
    last_shown_ = shown;
    exchanges_[y.id] = number;
    schedule_.add_job(exchange_job(*resources_.transport, {resources_.member, number}, op.rows,
                                   row_elements, shown),
                      exchange);
    return ok();
  }

  Status plan_op(const SumParts& op, const Tensor& y) {
    TROIKA_TRY(const int64_t number, number_of(op.exchange));
    schedule_.add_row_step(y.spec.rows, sum_parts_step(op, *resources_.transport, number, y.id),
                           {.reads = {op.exchange.id}, .writes = {y.id}, .state_read = group()});
    return ok();
  }

  Status plan_op(const BestPair& op, const Tensor& y) {
    TROIKA_TRY(const int64_t number, number_of(op.exchange));
    schedule_.add_row_step(y.spec.rows, best_pair_step(op, *resources_.transport, number, y.id),
                           {.reads = {op.exchange.id}, .writes = {y.id}, .state_read = group()});
    return ok();
  }

  /// What exchanges write and their readers read, so that they keep their order.
  State group() const { return {static_cast<int32_t>(resources_.states.size())}; }

  Result<int64_t> number_of(const Tensor& exchange) const {
    const auto found = exchanges_.find(exchange.id);
    if (found == exchanges_.end())
      return fail(ErrorCode::invalid_argument, "value {} is no exchange", exchange.id);
    return found->second;
  }

  /// The largest value of each run of x.
  Slot largest_of_runs(const Tensor& x) {
    const Slot largest =
        schedule_.add_slot(rows_max(x.spec.rows) * argmax_runs(x) * int64_t{sizeof(float)});
    schedule_.add_job(argmax_runs_job(x, largest), {.reads = {x.id}, .writes = {largest}});
    return largest;
  }

  /// The row of x as `kind` of activations, quantised once however many products read it.
  Slot activations_for(const Tensor& x, Activations kind) {
    const auto [entry, is_new] = activations_.try_emplace({x.id, kind}, -1);
    if (!is_new) return entry->second;
    const Slot slot =
        schedule_.add_slot(activation_bytes(kind, x.spec.elements(), rows_max(x.spec.rows)));
    entry->second = slot;
    schedule_.add_row_step(x.spec.rows, quantize_step(x, kind, slot),
                           {.reads = {x.id}, .writes = {slot}});
    return slot;
  }

  /// The pairs of `routing` in order of experts in tiles of so many rows, made once for all
  /// products.
  Slot order_for(const Routing& routing, int64_t tile_rows) {
    const Rows rows = routing.chosen.spec.rows;
    tile_rows = std::max<int64_t>(1, std::min(tile_rows, rows_max(rows)));
    const auto [entry, is_new] = orders_.try_emplace({routing.chosen.id, tile_rows}, -1);
    if (!is_new) return entry->second;
    const Slot slot =
        schedule_.add_slot(ExpertOrder::bytes(rows_max(rows) * routing.chosen.spec.units));
    entry->second = slot;
    const Access access{.reads = {routing.chosen.id}, .writes = {slot}};
    schedule_.add_row_step(rows, order_row_step(routing, tile_rows, slot), access);
    schedule_.add_job(order_job(routing, tile_rows, slot), access);
    return slot;
  }

  /// The table of cosines and sines for these options, made once for all ops.
  RopeSlots rope_table(const RopeOptions& options) {
    for (const auto& [known, slots] : rope_tables_)
      if (known == options) return slots;
    RopeAngles angles(options);
    RopeSlots slots{.row_floats = angles.row_floats()};
    const int64_t bytes = rows_max(Rows::tokens) * slots.row_floats * int64_t{sizeof(float)};
    slots.cosine = schedule_.add_slot(bytes);
    slots.sine = schedule_.add_slot(bytes);
    needs()[Input::positions] = true;
    schedule_.add_row_step(Rows::tokens,
                           rope_table_step(std::move(angles), slots.cosine, slots.sine),
                           {.writes = {slots.cosine, slots.sine}});
    rope_tables_.emplace_back(options, slots);
    return slots;
  }

  size_t tile_list(int64_t rows, bool outputs) {
    std::vector<TileList>& lists = program_->tile_lists;
    const auto known = std::ranges::find_if(
        lists, [&](const TileList& list) { return list.rows == rows && list.outputs == outputs; });
    if (known != lists.end()) return static_cast<size_t>(known - lists.begin());
    lists.push_back({.rows = rows, .outputs = outputs});
    return lists.size() - 1;
  }

  void need_pages(const CpuBuffer& state, bool outputs) {
    needs()[outputs ? Input::output_spans : Input::spans] = true;
    needs()[Input::page_table] = true;
    needs().pages = std::min(needs().pages, state.state->units);
  }

  void need_slots(const CpuBuffer& state) {
    needs()[Input::spans] = true;
    needs().recurrent = true;
    needs().slots = std::min(needs().slots, state.state->units);
    needs().log_tokens = state.state->options.log_tokens;
  }

  Status need_row_blocks(int64_t blocks) {
    if (needs()[Input::row_blocks] && needs().row_blocks != blocks)
      return fail(ErrorCode::unsupported, "{} blocks of rows beside {} in one graph", blocks,
                  needs().row_blocks);
    needs()[Input::row_blocks] = true;
    needs().row_blocks = blocks;
    return ok();
  }

  void need_scratch(int64_t bytes) {
    program_->scratch_bytes = std::max(program_->scratch_bytes, bytes);
  }

  StepNeeds& needs() { return program_->needs; }

  int64_t rows_max(Rows rows) const {
    if (rows == Rows::tokens) return program_->sizes.tokens;
    return rows == Rows::outputs ? program_->sizes.outputs : 0;
  }

  Status name_results() {
    program_->places.resize(schedule_.lives().size());
    for (int i = 0; i < kOutputs; i++) {
      const std::optional<Tensor>& value = graph_.output(static_cast<Output>(i));
      if (!value) continue;
      if (value->id < 0 || value->id >= graph_.values() || value->spec.rows == Rows::none)
        return fail(ErrorCode::invalid_argument, "result {} is value {} of {}", i, value->id,
                    graph_.values());
      SlotPlace& place = program_->places[static_cast<size_t>(value->id)];
      if (place.output >= 0)
        return fail(ErrorCode::invalid_argument, "value {} is named as two results", value->id);
      place.output = i;
      place.rows = value->spec.rows;
      place.row_numbers = value->spec.elements();
      schedule_.set_bytes(value->id, 0);
    }
    return ok();
  }

  Status place_slots() {
    std::vector<SlotLife> lives = schedule_.lives();
    for (const SlotLife& life : lives)
      if (life.bytes < 0 || life.bytes > kSlotBytesMax)
        return fail(ErrorCode::exhausted, "a value of {} bytes for steps of {} tokens", life.bytes,
                    program_->sizes.tokens);
    program_->arena_bytes = plan_memory(lives);
    for (size_t i = 0; i < lives.size(); i++) program_->places[i].offset = lives[i].offset;
    return ok();
  }

  const Graph& graph_;
  const Resources& resources_;
  int threads_;
  Schedule schedule_;
  std::unique_ptr<Program> program_ = std::make_unique<Program>();
  std::map<int32_t, int64_t> exchanges_;  // their numbers, by value
  Slot last_shown_ = -1;
  std::map<std::pair<int32_t, Activations>, Slot> activations_;
  std::map<std::pair<int32_t, int64_t>, Slot> orders_;  // by tile rows
  std::vector<std::pair<RopeOptions, RopeSlots>> rope_tables_;
};

}  // namespace

Result<std::unique_ptr<Program>> plan_program(const Graph& graph, const Sizes& sizes,
                                              const Resources& resources, int threads) {
  TROIKA_RETURN_IF_ERROR(graph.check());
  for (const int64_t size : {sizes.tokens, sizes.outputs, sizes.sequences})
    if (size < 0 || size > kStepRowsMax)
      return fail(ErrorCode::invalid_argument, "steps of {} rows, wanted 0 to {}", size,
                  kStepRowsMax);
  return Planner(graph, sizes, resources, threads).plan();
}

}  // namespace troika::cpu
