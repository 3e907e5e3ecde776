#include "device/null/null_device.h"

#include <algorithm>

#include "device/null/program.h"

namespace troika {
namespace null {
namespace {

constexpr float kTopLogit = 30;

/// A bijection that mixes all bits. Source: the finaliser of SplitMix64
/// (doi 10.1145/2660193.2660195).
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

uint64_t hash(uint64_t seed, int32_t token, int64_t position) {
  return mix(mix(seed ^ static_cast<uint64_t>(token)) ^ static_cast<uint64_t>(position));
}

/// Whether the draft for this row is what the trunk will answer.
bool agrees(const NullOptions& options, int32_t token, int64_t position) {
  const uint64_t h = hash(~options.seed, token, position);
  return static_cast<double>(h >> 11) < options.agreement * 0x1p53;
}

class CountingDevice final : public NullDevice {
 public:
  explicit CountingDevice(NullOptions options)
      : options_(std::move(options)), info_{"null", options_.memory_bytes} {}

  const DeviceInfo& info() const override { return info_; }

  bool supports(const Op& op, DType dtype) const override {
    const bool stores_keys =
        std::holds_alternative<KvWrite>(op) || std::holds_alternative<Attention>(op);
    return !stores_keys || is_kv_dtype(dtype);
  }

  Result<std::unique_ptr<Buffer>> allocate(int64_t bytes) override {
    TROIKA_RETURN_IF_ERROR(room_for(bytes));
    TROIKA_TRY(HostMemory memory, memory_.allocate(bytes));
    return std::make_unique<NullBuffer>(held_, std::move(memory));
  }

  Result<std::unique_ptr<Buffer>> allocate_state(const StateSpec& spec, const StateOptions& options,
                                                 int64_t units) override {
    TROIKA_RETURN_IF_ERROR(check_state(spec, options));
    TROIKA_TRY(const int64_t bytes, state_bytes(info_, spec, options, units));
    TROIKA_RETURN_IF_ERROR(room_for(bytes));
    return std::make_unique<NullState>(held_, bytes, spec, units);
  }

  Result<std::unique_ptr<ImportedWeight>> import_weight(const WeightInfo& weight,
                                                        const ImportOptions&) override {
    const int64_t bytes = weight_bytes(weight);
    if (!weight.data.empty() && std::ssize(weight.data) != bytes)
      return fail(ErrorCode::invalid_argument, "{}: {} bytes are not [{}, {}] of {}", weight.name,
                  weight.data.size(), weight.weight.rows(), weight.weight.inputs,
                  dtype_info(weight.dtype).name);
    TROIKA_RETURN_IF_ERROR(room_for(bytes));
    return std::make_unique<NullWeight>(held_, bytes, weight.weight);
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
    TROIKA_TRY(const StepView step, inputs_.check(*mine, bindings));
    TROIKA_RETURN_IF_ERROR(answer(*mine, bindings, step));
    const NullRun run{.draft = mine->draft,
                      .tokens = bindings.tokens,
                      .outputs = bindings.outputs,
                      .sequences = bindings.sequences};
    runs_++;
    draft_runs_ += run.draft ? 1 : 0;
    rows_ += run.tokens;
    outputs_ += run.outputs;
    const double ms = options_.run_ms ? options_.run_ms(run) : 0;
    if (options_.clock_ms != nullptr) *options_.clock_ms += ms;
    return Event{++calls_};
  }

  Result<Event> write(BufferView to, std::span<const std::byte> source) override {
    TROIKA_TRY(const Range target, range(to, std::ssize(source), "write"));
    if (target.buffer != nullptr) target.buffer->clear_marks();
    if (target.data != nullptr && !source.empty())
      std::memcpy(target.data, source.data(), source.size());
    return Event{++calls_};
  }

  Result<Event> read(BufferView from, std::span<std::byte> destination) override {
    TROIKA_TRY(const Range source, range(from, std::ssize(destination), "read"));
    if (source.data == nullptr)
      std::ranges::fill(destination, std::byte{0});
    else if (!destination.empty())
      std::memcpy(destination.data(), source.data, destination.size());
    return Event{++calls_};
  }

  Result<Event> copy(BufferView from, BufferView to, int64_t bytes) override {
    TROIKA_TRY(const Range source, range(from, bytes, "copy from"));
    TROIKA_TRY(const Range target, range(to, bytes, "copy to"));
    if (from.buffer == to.buffer && from.offset < to.offset + bytes &&
        to.offset < from.offset + bytes)
      return fail(ErrorCode::invalid_argument, "copy of {} bytes from {} to {} overlaps", bytes,
                  from.offset, to.offset);
    if (target.data == nullptr || bytes == 0) return Event{++calls_};
    target.buffer->clear_marks();
    if (source.data == nullptr)
      std::memset(target.data, 0, static_cast<size_t>(bytes));
    else
      std::memcpy(target.data, source.data, static_cast<size_t>(bytes));
    return Event{++calls_};
  }

  Status wait(Event event) override {
    if (event.number > calls_)
      return fail(ErrorCode::invalid_argument, "wait for call {} of {}", event.number, calls_);
    return ok();
  }

  NullTotals totals() const override {
    return {.weight_bytes = held_->weights,
            .state_bytes = held_->states,
            .buffer_bytes = held_->buffers,
            .runs = runs_,
            .draft_runs = draft_runs_,
            .rows = rows_,
            .outputs = outputs_};
  }

 private:
  Status room_for(int64_t bytes) const {
    const int64_t left = info_.memory_bytes - held_->all();
    if (bytes < 0) return fail(ErrorCode::invalid_argument, "{} bytes, wanted 0 or more", bytes);
    if (bytes > left)
      return fail(ErrorCode::exhausted, "{} bytes: {} has {} of {} left", bytes, info_.name, left,
                  info_.memory_bytes);
    return ok();
  }

  int32_t token(const Program& program, int32_t last, int64_t position) const {
    const int64_t tokens =
        options_.tokens > 0 ? std::min(options_.tokens, program.vocab) : program.vocab;
    const int32_t right = null_answer(options_.seed, last, position, tokens);
    if (!program.draft || tokens < 2 || agrees(options_, last, position)) return right;
    const auto other = static_cast<int64_t>(hash(options_.seed + 1, last, position) %
                                            static_cast<uint64_t>(tokens - 1));
    return static_cast<int32_t>((right + 1 + other) % tokens);
  }

  /// Writes the results of all output rows.
  Status answer(const Program& program, const Bindings& bindings, const StepView& step) {
    answers_.clear();
    for (const int32_t row : step.output_rows) {
      const auto t = static_cast<size_t>(row);
      const int64_t position = step.positions.empty() ? 0 : step.positions[t];
      answers_.push_back(place(program, step, token(program, step.token_ids[t], position)));
    }
    if (answers_.empty()) return ok();
    if (program.logits > 0) TROIKA_RETURN_IF_ERROR(write_logits(program, bindings));
    if (!program.argmax) return ok();
    const BufferView& view = bindings[Output::argmax];
    TROIKA_TRY(const Range ids, numbers(view, std::ssize(answers_), "argmax"));
    ids.buffer->clear_marks();
    for (size_t i = 0; i < answers_.size(); i++)
      std::memcpy(ids.data + i * 4, &answers_[i].token, 4);
    return ok();
  }

  struct Answer {
    int32_t token;
    int64_t column;  // of its logit
  };

  /// Where the logit of a token stands; a token whose block was not named is replaced.
  static Answer place(const Program& program, const StepView& step, int32_t token) {
    if (program.blocks == 0) return {token, token};
    const auto found = std::ranges::lower_bound(step.row_blocks, token / kBlockRows);
    if (found != step.row_blocks.end() && *found == token / kBlockRows)
      return {token, (found - step.row_blocks.begin()) * kBlockRows + token % kBlockRows};
    const int64_t block = token % program.blocks;
    return {static_cast<int32_t>(step.row_blocks[static_cast<size_t>(block)] * kBlockRows),
            block * kBlockRows};
  }

  Status write_logits(const Program& program, const Bindings& bindings) {
    const BufferView& view = bindings[Output::logits];
    const int64_t row_bytes = program.logits * static_cast<int64_t>(sizeof(float));
    TROIKA_TRY(const Range rows, numbers(view, std::ssize(answers_) * program.logits, "logits"));
    rows.buffer->clear_marks();
    for (int64_t i = 0; i < std::ssize(answers_); i++) {
      const int64_t column = answers_[static_cast<size_t>(i)].column;
      rows.buffer->mark(view.offset + i * row_bytes + column * static_cast<int64_t>(sizeof(float)),
                        kTopLogit);
    }
    return ok();
  }

  NullOptions options_;
  DeviceInfo info_;
  HostAllocator memory_;
  std::shared_ptr<Held> held_ = std::make_shared<Held>();
  InputCheck inputs_;
  std::vector<Answer> answers_;
  int64_t runs_ = 0, draft_runs_ = 0, rows_ = 0, outputs_ = 0;
  uint64_t calls_ = 0;
};

}  // namespace
}  // namespace null

int32_t null_answer(uint64_t seed, int32_t token, int64_t position, int64_t tokens) {
  return static_cast<int32_t>(null::hash(seed, token, position) % static_cast<uint64_t>(tokens));
}

std::unique_ptr<NullDevice> make_null_device(NullOptions options) {
  return std::make_unique<null::CountingDevice>(std::move(options));
}

}  // namespace troika
