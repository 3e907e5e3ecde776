#include "device/null/program.h"

#include <algorithm>
#include <type_traits>

namespace troika::null {
namespace {

/// Takes the ops of a graph into a program.
class Reader {
 public:
  Reader(Program& program, const Resources& resources) : program_(program), resources_(resources) {}

  Status read(const Op& op) {
    if (const Weight w = matrix_of(op); w.present()) TROIKA_RETURN_IF_ERROR(check(w));
    return std::visit([this](const auto& o) { return take(o); }, op);
  }

 private:
  void needs(Input input) { program_.reads[static_cast<size_t>(input)] = true; }

  Status check(const Weight& w) {
    const auto id = static_cast<size_t>(w.id);
    if (w.id < 0 || id >= resources_.weights.size() ||
        dynamic_cast<const NullWeight*>(resources_.weights[id]) == nullptr)
      return fail(ErrorCode::invalid_argument, "weight {} was not imported by this device", w.id);
    const Weight& imported = static_cast<const NullWeight*>(resources_.weights[id])->weight;
    if (imported.rows() != w.rows() || imported.inputs != w.inputs)
      return fail(ErrorCode::invalid_argument, "weight {} is [{}, {}], wanted [{}, {}]", w.id,
                  imported.rows(), imported.inputs, w.rows(), w.inputs);
    return ok();
  }

  /// A state of this kind, and the least number of units that any of its kind has.
  template <typename Spec>
  Status take_state(State state, int64_t& units) {
    const auto id = static_cast<size_t>(state.id);
    const auto* found = state.id >= 0 && id < resources_.states.size()
                            ? dynamic_cast<const NullState*>(resources_.states[id])
                            : nullptr;
    if (found == nullptr || !std::holds_alternative<Spec>(found->spec))
      return fail(ErrorCode::invalid_argument, "state {} was not allocated for this by this device",
                  state.id);
    units = units < 0 ? found->units : std::min(units, found->units);
    return ok();
  }

  Status take(const Embed& o) {
    needs(Input::token_ids);
    program_.vocab = o.table.units;
    return ok();
  }
  Status take(const Rope&) {
    needs(Input::positions);
    return ok();
  }
  Status take(const KvWrite& o) {
    needs(Input::spans);
    needs(Input::page_table);
    return take_state<KvState>(o.state, program_.pages);
  }
  Status take(const Attention& o) {
    needs(Input::spans);
    needs(Input::page_table);
    return take_state<KvState>(o.state, program_.pages);
  }
  Status take(const CausalConv& o) {
    needs(Input::spans);
    return take_state<ConvState>(o.state, program_.slots);
  }
  Status take(const GatedDeltaRule& o) {
    needs(Input::spans);
    return take_state<DeltaState>(o.state, program_.slots);
  }
  Status take(const GatherRows&) {
    needs(Input::output_rows);
    return ok();
  }
  Status take(const StoreRows& o) {
    needs(Input::hidden_out);
    program_.stores_outputs = o.x.spec.rows == Rows::outputs;
    return take_state<HiddenState>(o.state, program_.hidden_units);
  }
  Status take(const LoadRows& o) {
    needs(Input::hidden_in);
    program_.draft = true;
    return take_state<HiddenState>(o.state, program_.hidden_units);
  }
  Status take(const MatMulBlocks& o) {
    needs(Input::row_blocks);
    program_.blocks = o.blocks;
    return ok();
  }
  template <typename AnyOther>
  Status take(const AnyOther&) {
    return ok();
  }

  Program& program_;
  const Resources& resources_;
};

Result<std::span<const int32_t>> ints(const Bindings& bindings, Input input, int64_t count) {
  if (count == 0) return std::span<const int32_t>();
  const Result<Range> found = numbers(bindings[input], count, "a view");
  if (!found.ok())
    return fail(found.error().code(), "input {}: {}", static_cast<int>(input),
                found.error().message());
  return std::span(reinterpret_cast<const int32_t*>(found->data), static_cast<size_t>(count));
}

Status each_in(std::string_view what, std::span<const int32_t> values, int64_t min, int64_t end) {
  for (const int32_t value : values)
    if (value < min || value >= end)
      return fail(ErrorCode::invalid_argument, "{} {}, wanted {} to {}", what, value, min, end - 1);
  return ok();
}

}  // namespace

Result<std::unique_ptr<Program>> make_program(const Graph& graph, const Sizes& sizes,
                                              const Resources& resources) {
  TROIKA_RETURN_IF_ERROR(graph.check());
  auto program = std::make_unique<Program>();
  program->sizes = sizes;
  Reader reader(*program, resources);
  for (const Node& node : graph.nodes()) {
    const Status status = reader.read(node.op);
    if (!status.ok())
      return fail(status.error().code(), "op {} ({}): {}", node.value.id, op_name(node.op),
                  status.error().message());
  }
  if (const auto& logits = graph.output(Output::logits)) program->logits = logits->spec.elements();
  program->argmax = graph.output(Output::argmax).has_value();
  return program;
}

/// Pages of the positions up to the last row's, and whose they are that its rows write to.
Status InputCheck::check_pages(const Program& program, const Span& span,
                               std::span<const int32_t> table, int32_t number) {
  const int64_t end = span.position + span.rows;
  const int64_t pages = (end + kPageTokens - 1) / kPageTokens;
  if (span.page_begin < 0 || span.page_begin + pages > std::ssize(table))
    return fail(ErrorCode::invalid_argument,
                "{} positions with pages from entry {} of a table of {}", end, span.page_begin,
                table.size());
  const auto own = table.subspan(static_cast<size_t>(span.page_begin), static_cast<size_t>(pages));
  TROIKA_RETURN_IF_ERROR(each_in("page", own, 0, program.pages));
  if (span.rows == 0) return ok();
  for (int64_t page = span.position / kPageTokens; page < pages; page++)
    written_.push_back({own[static_cast<size_t>(page)], number});
  return ok();
}

Status InputCheck::check_spans(const Program& program, const Bindings& bindings) {
  TROIKA_TRY(const auto numbers,
             ints(bindings, Input::spans,
                  bindings.sequences * static_cast<int64_t>(sizeof(Span) / sizeof(int32_t))));
  const std::span spans(reinterpret_cast<const Span*>(numbers.data()),
                        static_cast<size_t>(bindings.sequences));
  const BufferView& view = bindings[Input::page_table];
  const bool paged = program.needs(Input::page_table) && view.buffer != nullptr;
  TROIKA_TRY(const auto table, ints(bindings, Input::page_table,
                                    paged ? (view.buffer->bytes() - view.offset) / 4 : 0));
  written_.clear();
  for (int32_t i = 0; i < std::ssize(spans); i++) {
    const Span& s = spans[static_cast<size_t>(i)];
    if (s.rows < 0 || s.row_begin < 0 || s.row_begin > bindings.tokens - s.rows || s.position < 0 ||
        s.replay < 0 || s.certain < 0 || s.certain > s.rows)
      return fail(ErrorCode::invalid_argument,
                  "span of rows [{}, +{}) of {} at position {}, {} certain, {} replayed",
                  s.row_begin, s.rows, bindings.tokens, s.position, s.certain, s.replay);
    if (program.slots >= 0 && (s.state_slot < 0 || s.state_slot >= program.slots))
      return fail(ErrorCode::invalid_argument, "state slot {} of {}", s.state_slot, program.slots);
    if (program.needs(Input::page_table)) TROIKA_RETURN_IF_ERROR(check_pages(program, s, table, i));
  }
  std::ranges::sort(written_, {}, &Written::page);
  const auto twice = std::ranges::adjacent_find(
      written_, [](const Written& a, const Written& b) { return a.page == b.page; });
  if (twice != written_.end())
    return fail(ErrorCode::invalid_argument, "page {} is written by sequences {} and {} of a step",
                twice->page, twice->span, std::next(twice)->span);
  return ok();
}

Result<StepView> InputCheck::check(const Program& program, const Bindings& bindings) {
  TROIKA_RETURN_IF_ERROR(check_counts(bindings, program.sizes));
  StepView step;
  TROIKA_TRY(step.token_ids, ints(bindings, Input::token_ids, bindings.tokens));
  TROIKA_RETURN_IF_ERROR(each_in("token", step.token_ids, 0, program.vocab));
  if (program.needs(Input::positions)) {
    TROIKA_TRY(step.positions, ints(bindings, Input::positions, bindings.tokens));
  }
  TROIKA_RETURN_IF_ERROR(each_in("position", step.positions, 0, int64_t{1} << 31));
  if (program.needs(Input::spans)) TROIKA_RETURN_IF_ERROR(check_spans(program, bindings));
  TROIKA_TRY(step.output_rows, ints(bindings, Input::output_rows, bindings.outputs));
  TROIKA_RETURN_IF_ERROR(each_in("output row", step.output_rows, 0, bindings.tokens));
  if (program.needs(Input::hidden_in)) {
    TROIKA_TRY(const auto units, ints(bindings, Input::hidden_in, bindings.tokens));
    TROIKA_RETURN_IF_ERROR(each_in("hidden unit", units, -1, program.hidden_units));
  }
  if (program.needs(Input::hidden_out)) {
    TROIKA_TRY(const auto units, ints(bindings, Input::hidden_out,
                                      program.stores_outputs ? bindings.outputs : bindings.tokens));
    TROIKA_RETURN_IF_ERROR(each_in("hidden unit", units, 0, program.hidden_units));
  }
  if (program.needs(Input::row_blocks) && bindings.outputs > 0) {
    TROIKA_TRY(step.row_blocks, ints(bindings, Input::row_blocks, program.blocks));
    TROIKA_RETURN_IF_ERROR(
        each_in("row block", step.row_blocks, 0, (program.vocab + kBlockRows - 1) / kBlockRows));
  }
  return step;
}

}  // namespace troika::null
