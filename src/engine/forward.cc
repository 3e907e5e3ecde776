#include "engine/forward.h"

#include <algorithm>
#include <variant>

#include "core/check.h"

namespace troika {
namespace {

int64_t units_of(const StateSpec& spec, const ForwardOptions& options, const HiddenUnits& hidden) {
  if (std::holds_alternative<KvState>(spec)) return options.pages;
  if (std::holds_alternative<HiddenState>(spec)) return hidden.count(options.checkpoints);
  return options.sequences_max + options.checkpoints;
}

int64_t table_entries_of(const ForwardOptions& options) {
  return options.page_table_max > 0 ? options.page_table_max : options.pages;
}

/// Bytes of the results of a step, and of what names the rows of drafts.
int64_t logits_bytes_of(const ModelInfo& model, const ForwardOptions& options) {
  return options.step_outputs_max * model.vocab * static_cast<int64_t>(sizeof(float));
}
int64_t argmax_bytes_of(const ForwardOptions& options) {
  return options.step_outputs_max * static_cast<int64_t>(sizeof(int32_t));
}
int64_t draft_rows_bytes_of(const ModelInfo& model) {
  return model.draft_blocks * static_cast<int64_t>(sizeof(int32_t));
}

bool is_recurrent(const StateSpec& spec) {
  return std::holds_alternative<ConvState>(spec) || std::holds_alternative<DeltaState>(spec);
}

template <typename T>
std::vector<T*> raw(const std::vector<std::unique_ptr<T>>& owned) {
  std::vector<T*> pointers;
  for (const auto& one : owned) pointers.push_back(one.get());
  return pointers;
}

}  // namespace

HiddenUnits::HiddenUnits(int64_t step_tokens_max, int64_t sequences_max, int64_t draft_tokens_max)
    : scratch_(step_tokens_max),
      slots_(sequences_max),
      // A sequence drafts from the row before its first unread position, and a verification adds a
      // row for each draft; twice that lets the head lag behind for a few steps.
      ring_(2 * (draft_tokens_max + 2)) {}

int32_t HiddenUnits::kept(int32_t slot, int64_t position) const {
  return static_cast<int32_t>(scratch_ + slot * (ring_ + 1) + position % ring_);
}

int32_t HiddenUnits::chain(int32_t slot) const {
  return static_cast<int32_t>(scratch_ + slot * (ring_ + 1) + ring_);
}

int32_t HiddenUnits::checkpoint(int32_t number) const {
  return static_cast<int32_t>(scratch_ + slots_ * (ring_ + 1) + number);
}

Forward::Forward(const LoadedModel& model, const ForwardOptions& options, StepInputs inputs)
    : model_(&model),
      device_(model.device),
      options_(options),
      hidden_(options.step_tokens_max, options.sequences_max, options.draft_tokens_max),
      inputs_(std::move(inputs)) {}

Result<std::unique_ptr<Forward>> Forward::make(const LoadedModel& model,
                                               const ForwardOptions& options) {
  const Sizes sizes = Forward::sizes(options);
  if (sizes.tokens < 1 || sizes.outputs < 1 || sizes.outputs > sizes.tokens ||
      sizes.sequences < 1 || options.pages < 1 || options.draft_tokens_max < 0 ||
      options.checkpoints < 0 || options.page_table_max < 0)
    return fail(
        ErrorCode::invalid_argument,
        "a step of {} tokens, {} outputs, {} sequences, {} pages, {} drafts, {} checkpoints cannot "
        "be planned",
        sizes.tokens, sizes.outputs, sizes.sequences, options.pages, options.draft_tokens_max,
        options.checkpoints);
  Device& device = *model.device;
  TROIKA_TRY(StepInputs inputs, StepInputs::make(device, sizes, table_entries_of(options)));
  std::unique_ptr<Forward> f(new Forward(model, options, std::move(inputs)));
  TROIKA_RETURN_IF_ERROR(f->allocate_states());
  const ModelInfo& info = model.model.info;
  TROIKA_TRY(f->logits_, device.allocate(logits_bytes_of(info, options)));
  TROIKA_TRY(f->argmax_, device.allocate(argmax_bytes_of(options)));
  f->device_bytes_ += logits_bytes_of(info, options);
  if (info.draft_blocks > 0) {
    TROIKA_TRY(f->draft_rows_, device.allocate(draft_rows_bytes_of(info)));
    f->named_rows_.reserve(static_cast<size_t>(info.draft_blocks));
  }
  f->host_argmax_.resize(static_cast<size_t>(sizes.outputs));
  f->host_logits_.resize(static_cast<size_t>(sizes.outputs * info.vocab));

  const auto weights = raw(model.weights);
  const auto states = raw(f->states_);
  const Resources resources{.weights = weights,
                            .state_infos = model.model.states,
                            .states = states,
                            .state_options = f->state_options()};
  TROIKA_TRY(f->trunk_, device.compile(model.model.trunk, sizes, resources));
  if (model.model.draft) {
    TROIKA_TRY(f->draft_, device.compile(*model.model.draft, sizes, resources));
  }
  return f;
}

int64_t Forward::buffer_bytes(const ModelInfo& model, const ForwardOptions& options) {
  return StepInputs::bytes(sizes(options), table_entries_of(options)) +
         logits_bytes_of(model, options) + argmax_bytes_of(options) + draft_rows_bytes_of(model);
}

int64_t Forward::state_units(const StateSpec& spec, const ForwardOptions& options) {
  return units_of(
      spec, options,
      HiddenUnits(options.step_tokens_max, options.sequences_max, options.draft_tokens_max));
}

Forward::~Forward() {
  // Nobody is left to tell an error to; what matters is that no call outlives the buffers it uses.
  (void)finish().ok();
}

StateOptions Forward::state_options() const {
  return {.kv_dtype = options_.kv_dtype, .log_tokens = options_.draft_tokens_max};
}

Status Forward::allocate_states() {
  for (const StateInfo& info : model_->model.states) {
    const int64_t units = units_of(info.spec, options_, hidden_);
    Result<std::unique_ptr<Buffer>> buffer =
        device_->allocate_state(info.spec, state_options(), units);
    if (!buffer.ok())
      return fail(buffer.error().code(), "{} ({} units of {} bytes): {}", info.name, units,
                  state_unit_bytes(info.spec, state_options()), buffer.error().message());
    device_bytes_ += units * state_unit_bytes(info.spec, state_options());
    states_.push_back(std::move(*buffer));
  }
  return ok();
}

Status Forward::run(Executable& program, bool chained) {
  Bindings bindings;
  TROIKA_RETURN_IF_ERROR(inputs_.upload(*device_, bindings, !chained));
  if (chained) bindings[Input::token_ids] = {argmax_.get(), 0};
  bindings[Input::row_blocks] = {draft_rows_.get(), 0};
  bindings[Output::logits] = {logits_.get(), 0};
  bindings[Output::argmax] = {argmax_.get(), 0};
  TROIKA_TRY(last_, device_->run(program, bindings));
  return ok();
}

Status Forward::copy_units(size_t state, int64_t from, int64_t to) {
  const int64_t bytes = state_unit_bytes(model_->model.states[state].spec, state_options());
  Buffer* buffer = states_[state].get();
  TROIKA_TRY(last_, device_->copy({buffer, from * bytes}, {buffer, to * bytes}, bytes));
  return ok();
}

int64_t Forward::unit_bytes(size_t state) const {
  return state_unit_bytes(states()[state].spec, state_options());
}

/// A device's name says its kind first, and behind a comma what changes no bit.
std::string Forward::layout() const {
  const std::string& name = device_->info().name;
  const size_t comma = name.find(',');
  return fmt::format("{}{}, KV {}", name.substr(0, comma), comma == std::string::npos ? "" : ")",
                     dtype_info(options_.kv_dtype).name);
}

Status Forward::read_unit(size_t state, int64_t unit, std::span<std::byte> bytes) {
  TROIKA_CHECK(std::ssize(bytes) == unit_bytes(state));
  TROIKA_TRY(last_, device_->read({states_[state].get(), unit * std::ssize(bytes)}, bytes));
  return finish();
}

Status Forward::write_unit(size_t state, int64_t unit, std::span<const std::byte> bytes) {
  TROIKA_CHECK(std::ssize(bytes) == unit_bytes(state));
  TROIKA_TRY(last_, device_->write({states_[state].get(), unit * std::ssize(bytes)}, bytes));
  return ok();
}

Status Forward::copy_page(PageId from, PageId to) {
  for (size_t i = 0; i < states_.size(); i++)
    if (std::holds_alternative<KvState>(model_->model.states[i].spec))
      TROIKA_RETURN_IF_ERROR(copy_units(i, static_cast<int64_t>(from), static_cast<int64_t>(to)));
  return ok();
}

Status Forward::fill_pages(std::span<const PageId> pages, std::byte value) {
  for (size_t i = 0; i < states_.size(); i++) {
    const StateSpec& spec = model_->model.states[i].spec;
    if (!std::holds_alternative<KvState>(spec)) continue;
    const int64_t bytes = state_unit_bytes(spec, state_options());
    for (const PageId page : pages) {
      const BufferView at{states_[i].get(), static_cast<int64_t>(page) * bytes};
      TROIKA_TRY(last_, device_->fill(at, value, bytes));
    }
  }
  return ok();
}

Status Forward::copy_hidden(int32_t from, int32_t to) {
  if (!info().hidden_rows) return ok();
  return copy_units(static_cast<size_t>(model_->model.hidden.id), from, to);
}

Status Forward::copy_recurrent(int64_t from, int64_t to) {
  for (size_t i = 0; i < states_.size(); i++)
    if (is_recurrent(model_->model.states[i].spec)) TROIKA_RETURN_IF_ERROR(copy_units(i, from, to));
  return ok();
}

Status Forward::save_state(int32_t slot, int32_t pending, int32_t checkpoint) {
  TROIKA_CHECK(checkpoint >= 0 && checkpoint < options_.checkpoints);
  TROIKA_RETURN_IF_ERROR(copy_recurrent(slot, options_.sequences_max + checkpoint));
  return copy_hidden(pending, hidden_.checkpoint(checkpoint));
}

Status Forward::restore_state(int32_t checkpoint, int32_t slot) {
  TROIKA_CHECK(checkpoint >= 0 && checkpoint < options_.checkpoints);
  TROIKA_RETURN_IF_ERROR(copy_recurrent(options_.sequences_max + checkpoint, slot));
  return copy_hidden(hidden_.checkpoint(checkpoint), hidden_.pending(slot));
}

int64_t Forward::checkpoint_bytes(const Model& model, const StateOptions& options) {
  int64_t bytes = 0;
  for (const StateInfo& state : model.states)
    if (!std::holds_alternative<KvState>(state.spec))
      bytes += state_unit_bytes(state.spec, options);
  return bytes;
}

Status Forward::run_trunk() {
  trunk_rows_ += inputs_.tokens();
  return run(*trunk_, false);
}

Status Forward::run_trunk_chained() {
  return run(*trunk_, true);
}

Status Forward::run_draft() {
  TROIKA_CHECK(draft_ != nullptr);
  return run(*draft_, false);
}

Status Forward::run_draft_chained() {
  TROIKA_CHECK(draft_ != nullptr);
  return run(*draft_, true);
}

Status Forward::queue_argmax(std::span<int32_t> rows) {
  TROIKA_TRY(last_, device_->read({argmax_.get(), 0}, std::as_writable_bytes(rows)));
  return ok();
}

Result<std::span<const int32_t>> Forward::read_argmax(int64_t count) {
  const auto rows = std::span(host_argmax_).first(static_cast<size_t>(count));
  TROIKA_RETURN_IF_ERROR(queue_argmax(rows));
  TROIKA_RETURN_IF_ERROR(finish());
  return std::span<const int32_t>(rows);
}

Status Forward::set_draft_rows(std::span<const int32_t> blocks) {
  TROIKA_CHECK(std::ssize(blocks) == info().draft_blocks);
  if (std::ranges::equal(blocks, named_rows_)) return ok();
  named_rows_.assign(blocks.begin(), blocks.end());
  TROIKA_TRY(last_, device_->write({draft_rows_.get(), 0}, std::as_bytes(blocks)));
  return ok();
}

int64_t Forward::draft_width() const {
  return info().draft_blocks > 0 ? info().draft_blocks * kBlockRows : info().vocab;
}

Result<std::span<const float>> Forward::read_logits(int64_t count) {
  const auto rows = std::span(host_logits_).first(static_cast<size_t>(count * info().vocab));
  TROIKA_TRY(last_, device_->read({logits_.get(), 0}, std::as_writable_bytes(rows)));
  TROIKA_RETURN_IF_ERROR(finish());
  return std::span<const float>(rows);
}

Status Forward::read_hidden(int32_t unit, int64_t count, std::span<float> rows) {
  TROIKA_CHECK(info().hidden_rows && std::ssize(rows) == count * info().hidden);
  const int64_t row_bytes = info().hidden * static_cast<int64_t>(sizeof(float));
  Buffer* buffer = states_[static_cast<size_t>(model_->model.hidden.id)].get();
  TROIKA_TRY(last_, device_->read({buffer, unit * row_bytes}, std::as_writable_bytes(rows)));
  return finish();
}

Status Forward::queue_logits(int64_t row, int64_t width) {
  const auto to =
      std::span(host_logits_).subspan(static_cast<size_t>(row * width), static_cast<size_t>(width));
  const int64_t offset = row * width * static_cast<int64_t>(sizeof(float));
  TROIKA_TRY(last_, device_->read({logits_.get(), offset}, std::as_writable_bytes(to)));
  return ok();
}

std::span<const float> Forward::logits(int64_t row, int64_t width) const {
  return std::span(host_logits_)
      .subspan(static_cast<size_t>(row * width), static_cast<size_t>(width));
}

Status Forward::replace_argmax(int64_t row, TokenId token) {
  const int64_t offset = row * static_cast<int64_t>(sizeof(TokenId));
  TROIKA_TRY(last_, device_->write({argmax_.get(), offset}, std::as_bytes(std::span(&token, 1))));
  return ok();
}

Status Forward::finish() {
  return device_->wait(last_);
}

}  // namespace troika
