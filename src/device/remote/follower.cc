#include "device/remote/follower.h"

#include <map>
#include <utility>

#include "device/remote/signs_of_life.h"

namespace troika {
namespace remote {
namespace {

constexpr int64_t kReadBytesMax = int64_t{1} << 30;

/// Whether `cut` is one of `whole`, so that copying it stays inside.
bool fits(const WeightCut& cut, const WeightInfo& whole) {
  const int64_t block = dtype_info(whole.dtype).block;
  const auto inside = [](const std::vector<ColumnRange>& ranges, int64_t end, int64_t multiple) {
    int64_t at = 0;
    for (const ColumnRange& range : ranges) {
      if (range.begin < at || range.end < range.begin || range.end > end) return false;
      if (range.begin % multiple != 0) return false;
      at = range.end;
    }
    return true;
  };
  const Weight& shape = whole.weight;
  return inside(cut.rows, shape.units * shape.width, 1) &&
         inside(cut.columns, shape.inputs, block) && !cut.rows.empty() &&
         count_units(cut.rows) == cut.weight.units * cut.weight.width &&
         count_units(cut.columns) == cut.weight.inputs && cut.weight.experts == shape.experts &&
         cut.weight.inputs % block == 0;
}

class Follower {
 public:
  Follower(Device& device, const WeightFiles& files, FollowerOptions& options)
      : device_(device),
        files_(files),
        leader_(*options.leader),
        transport_(std::move(options.transport)),
        signs_(leader_, options.sign_of_life) {}

  Status run() {
    std::vector<std::byte> message;
    Patience patience;
    while (true) {
      TROIKA_TRY(const bool came, leader_.poll(message));
      if (!came) {
        patience.pause();
        continue;
      }
      patience = {};
      signs_.begin_work();
      const Result<Decoded<Message>> decoded = decode_message(message);
      if (!decoded.ok()) {
        note(decoded.error());
      } else if (std::holds_alternative<End>(decoded->value)) {
        return ok();
      } else {
        body_ = decoded->body;
        std::visit([this](const auto& call) { take(call); }, decoded->value);
      }
      signs_.end_work();
      if (answer_) TROIKA_RETURN_IF_ERROR(send_answer());
    }
  }

 private:
  /// Keeps the first error of calls that are not answered, for the next answer.
  void note(const Status& status) {
    if (!status.ok() && !noted_) noted_ = status.error();
  }
  template <typename T>
  void note(const Result<T>& result) {
    if (!result.ok()) note(Status(result.error()));
  }

  void answer(int64_t number = 0, std::string text = {}) {
    answer_ = Answer{.text = std::move(text), .number = number};
    read_.clear();
  }
  void answer(const Error& error) {
    answer_ = Answer{.ok = false, .code = error.code(), .text = error.message()};
    read_.clear();
  }

  Status send_answer() {
    if (noted_) answer(*noted_);
    noted_.reset();
    const std::vector<std::byte> head = encoded(*answer_);
    answer_.reset();
    TROIKA_RETURN_IF_ERROR(leader_.send(head, read_));
    // A rank that goes to sleep takes nothing along that others wait for.
    Patience patience;
    while (true) {
      TROIKA_TRY(const bool sent, leader_.sent());
      if (sent) return ok();
      patience.pause();
    }
  }

  void take(const AskInfo&) { answer(device_.info().memory_bytes, device_.info().name); }
  void take(const AskSupports& call) { answer(device_.supports(call.op, call.dtype) ? 1 : 0); }
  void take(const AskWeightBytes& call) {
    answer(is_sane(call.weight.weight) ? device_.weight_bytes(call.weight) : 0);
  }

  void take(const Allocate& call) { keep(call.number, device_.allocate(call.bytes)); }

  void take(const AllocateState& call) {
    if (!is_sane(call.spec, call.options))
      return answer(fail(ErrorCode::corrupt, "a state of no size"));
    keep(call.number, device_.allocate_state(call.spec, call.options, call.units));
  }

  void keep(int64_t number, Result<std::unique_ptr<Buffer>> buffer) {
    if (!buffer.ok()) return answer(buffer.error());
    answer((*buffer)->bytes());
    buffers_[number] = std::move(*buffer);
  }

  void take(const Import& call) {
    Result<std::unique_ptr<ImportedWeight>> weight = import(call);
    if (!weight.ok()) return answer(weight.error());
    weights_[call.number] = std::move(*weight);
    answer();
  }

  Result<std::unique_ptr<ImportedWeight>> import(const Import& call) {
    WeightInfo whole = call.whole;
    TROIKA_TRY(whole.data, files_.at(call.place));
    const Weight& shape = whole.weight;
    if (!is_sane(shape) || !is_sane(call.cut.weight) || !fits(call.cut, whole) ||
        shape.inputs % dtype_info(whole.dtype).block != 0 ||
        dtype_bytes(whole.dtype, shape.rows() * shape.inputs) != std::ssize(whole.data))
      return fail(ErrorCode::corrupt, "weight {} with other sizes than in the file", whole.name);
    const gguf::File& file = files_.file(call.place);
    Result<std::unique_ptr<ImportedWeight>> imported =
        device_.import_part(whole, call.cut,
                            {.before = [&file](auto part) { file.touch(part); },
                             .after = [&file](auto part) { file.drop(part); },
                             .must_be_finite = call.must_be_finite});
    file.drop(whole.data);
    return imported;
  }

  void take(const Compile& call) {
    Result<std::unique_ptr<Executable>> program = compile(call);
    if (!program.ok()) return answer(program.error());
    programs_[call.number] = std::move(*program);
    answer();
  }

  Result<std::unique_ptr<Executable>> compile(const Compile& call) {
    std::vector<ImportedWeight*> weights;
    for (const int64_t number : call.weights) {
      TROIKA_TRY(weights.emplace_back(), find(weights_, number, "weight"));
    }
    std::vector<Buffer*> states;
    for (const int64_t number : call.states) {
      TROIKA_TRY(states.emplace_back(), find(buffers_, number, "state"));
    }
    return device_.compile(call.graph, call.sizes,
                           {.weights = weights,
                            .state_infos = call.state_infos,
                            .states = states,
                            .state_options = call.state_options,
                            .transport = transport_.get(),
                            .member = call.member});
  }

  void take(const Run& call) {
    // Even where the call is wrong: the others count this step.
    transport_->begin_step();
    Status ran = run(call);
    if (ran.ok()) ran = transport_->status();
    if (!ran.ok()) transport_->give_up();
    note(ran);
  }

  Status run(const Run& call) {
    TROIKA_TRY(Executable* const program, find(programs_, call.program, "program"));
    if (program == nullptr) return fail(ErrorCode::invalid_argument, "a run of no program");
    Bindings bindings{.tokens = call.tokens,
                      .outputs = call.outputs,
                      .sequences = call.sequences,
                      .output_sequences = call.output_sequences,
                      .inputs = {},
                      .results = {}};
    for (size_t i = 0; i < call.inputs.size(); i++) {
      TROIKA_TRY(bindings.inputs[i], view_of(call.inputs[i]));
    }
    for (size_t i = 0; i < call.results.size(); i++) {
      TROIKA_TRY(bindings.results[i], view_of(call.results[i]));
    }
    TROIKA_TRY(const Event event, device_.run(*program, bindings));
    return device_.wait(event);
  }

  void take(const Write& call) { note(write(call)); }
  Status write(const Write& call) {
    TROIKA_TRY(const BufferView to, view_of(call.to));
    TROIKA_TRY(last_, device_.write(to, body_));
    return ok();
  }

  void take(const Read& call) {
    answer();
    if (const Status status = read(call); !status.ok()) answer(status.error());
  }
  Status read(const Read& call) {
    TROIKA_TRY(const BufferView from, view_of(call.from));
    if (call.bytes < 0 || call.bytes > kReadBytesMax)
      return fail(ErrorCode::invalid_argument, "{} bytes to read", call.bytes);
    read_.resize(static_cast<size_t>(call.bytes));
    TROIKA_TRY(const Event event, device_.read(from, read_));
    return device_.wait(event);
  }

  void take(const Copy& call) { note(copy(call)); }
  Status copy(const Copy& call) {
    TROIKA_TRY(const BufferView from, view_of(call.from));
    TROIKA_TRY(const BufferView to, view_of(call.to));
    TROIKA_TRY(last_, device_.copy(from, to, call.bytes));
    return ok();
  }

  void take(const Fill& call) { note(fill(call)); }
  Status fill(const Fill& call) {
    TROIKA_TRY(const BufferView to, view_of(call.to));
    // Of what the device says of itself where the range is wrong, only its writes are certain.
    if (to.buffer == nullptr || call.bytes < 0 || to.offset < 0 ||
        call.bytes > to.buffer->bytes() - to.offset)
      return troika::fail(ErrorCode::invalid_argument, "fill: {} bytes at {}", call.bytes,
                          to.offset);
    TROIKA_TRY(last_, device_.fill(to, std::byte{call.value}, call.bytes));
    return ok();
  }

  void take(const Wait&) {
    answer();
    if (const Status status = device_.wait(last_); !status.ok()) answer(status.error());
  }

  void take(const Drop& call) {
    buffers_.erase(call.number);
    weights_.erase(call.number);
    programs_.erase(call.number);
  }

  void take(const End&) {}

  template <typename Kind>
  static Result<Kind*> find(const std::map<int64_t, std::unique_ptr<Kind>>& kept, int64_t number,
                            std::string_view what) {
    if (number == 0) return nullptr;
    const auto found = kept.find(number);
    if (found == kept.end())
      return troika::fail(ErrorCode::invalid_argument, "{} {} is not here", what, number);
    return found->second.get();
  }

  Result<BufferView> view_of(const Place& place) const {
    TROIKA_TRY(Buffer* const buffer, find(buffers_, place.buffer, "buffer"));
    return BufferView{buffer, place.offset};
  }

  Device& device_;
  const WeightFiles& files_;
  Channel& leader_;
  std::unique_ptr<GroupTransport> transport_;
  // Programs go first: they look at weights and states.
  std::map<int64_t, std::unique_ptr<Buffer>> buffers_;
  std::map<int64_t, std::unique_ptr<ImportedWeight>> weights_;
  std::map<int64_t, std::unique_ptr<Executable>> programs_;
  Event last_;
  std::span<const std::byte> body_;  // of the message at hand
  std::vector<std::byte> read_;      // goes with the answer
  std::optional<Answer> answer_;
  std::optional<Error> noted_;
  SignsOfLife signs_;
};

}  // namespace
}  // namespace remote

Status follow(Device& device, const remote::WeightFiles& files, FollowerOptions options) {
  return remote::Follower(device, files, options).run();
}

}  // namespace troika
