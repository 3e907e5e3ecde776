#include "device/remote/remote_device.h"

#include <algorithm>
#include <utility>

#include "device/remote/link.h"

namespace troika {
namespace remote {
namespace {

constexpr int64_t kPieceBytes = int64_t{16} << 20;  // of what is read or written at once

/// Something that the follower keeps for us.
class Kept {
 public:
  Kept(std::shared_ptr<Link> link, int64_t number) : link_(std::move(link)), number_(number) {}
  ~Kept() { (void)link_->post(Drop{number_}); }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  int64_t number() const { return number_; }
  const Link* link() const { return link_.get(); }

 private:
  std::shared_ptr<Link> link_;
  int64_t number_;
};

struct RemoteBuffer final : public Buffer {
  RemoteBuffer(int64_t bytes, std::shared_ptr<Link> link, int64_t number)
      : Buffer(bytes), kept(std::move(link), number) {}
  Kept kept;
};

struct RemoteWeight final : public ImportedWeight {
  RemoteWeight(std::shared_ptr<Link> link, int64_t number) : kept(std::move(link), number) {}
  Kept kept;
};

struct RemoteProgram final : public Executable {
  RemoteProgram(std::shared_ptr<Link> link, int64_t number) : kept(std::move(link), number) {}
  Kept kept;
};

class RemoteDevice final : public Device {
 public:
  RemoteDevice(std::shared_ptr<Link> link, const WeightFiles& files, DeviceInfo info)
      : link_(std::move(link)), files_(files), info_(std::move(info)) {}

  const DeviceInfo& info() const override { return info_; }

  bool supports(const Op& op, DType dtype) const override {
    const auto answer = link_->ask(AskSupports{op, dtype});
    // Of one that is lost, the next call tells so; that it lacks an op would be another story.
    return !answer.ok() || answer->value.number == 1;
  }

  int64_t weight_bytes(const WeightInfo& weight) const override {
    const auto answer = link_->ask(AskWeightBytes{weight});
    return answer.ok() ? answer->value.number : Device::weight_bytes(weight);
  }

  Result<std::unique_ptr<Buffer>> allocate(int64_t bytes) override {
    const int64_t number = link_->next_number();
    TROIKA_TRY(const auto answer, link_->ask(Allocate{number, bytes}));
    return std::unique_ptr<Buffer>(
        std::make_unique<RemoteBuffer>(answer.value.number, link_, number));
  }

  Result<std::unique_ptr<Buffer>> allocate_state(const StateSpec& spec, const StateOptions& options,
                                                 int64_t units) override {
    const int64_t number = link_->next_number();
    TROIKA_TRY(const auto answer, link_->ask(AllocateState{number, spec, options, units}));
    return std::unique_ptr<Buffer>(
        std::make_unique<RemoteBuffer>(answer.value.number, link_, number));
  }

  Result<std::unique_ptr<ImportedWeight>> import_weight(const WeightInfo& weight,
                                                        const ImportOptions& options) override {
    const Weight& shape = weight.weight;
    return import_part(weight,
                       {shape, {{0, shape.units * shape.width}}, {{0, shape.inputs}}, weight.split},
                       options);
  }

  Result<std::unique_ptr<ImportedWeight>> import_part(const WeightInfo& whole, const WeightCut& cut,
                                                      const ImportOptions& options) override {
    TROIKA_TRY(const FilePlace place, files_.find(whole.data, whole.name));
    const int64_t number = link_->next_number();
    TROIKA_RETURN_IF_ERROR(
        done(link_->ask(Import{number, whole, cut, place, options.must_be_finite}, true)));
    return std::unique_ptr<ImportedWeight>(std::make_unique<RemoteWeight>(link_, number));
  }

  Result<std::unique_ptr<Executable>> compile(const Graph& graph, const Sizes& sizes,
                                              const Resources& resources) override {
    Compile message{.number = link_->next_number(),
                    .graph = graph,
                    .sizes = sizes,
                    .weights = {},
                    .state_infos = {resources.state_infos.begin(), resources.state_infos.end()},
                    .states = {},
                    .state_options = resources.state_options,
                    .member = resources.member};
    for (const ImportedWeight* weight : resources.weights) {
      TROIKA_TRY(message.weights.emplace_back(), number_of<RemoteWeight>(weight, "weight"));
    }
    for (const Buffer* state : resources.states) {
      TROIKA_TRY(message.states.emplace_back(), number_of<RemoteBuffer>(state, "state"));
    }
    TROIKA_RETURN_IF_ERROR(done(link_->ask(message)));
    return std::unique_ptr<Executable>(std::make_unique<RemoteProgram>(link_, message.number));
  }

  Result<Event> run(Executable& program, const Bindings& bindings) override {
    Run message{.program = 0,
                .tokens = bindings.tokens,
                .outputs = bindings.outputs,
                .sequences = bindings.sequences,
                .output_sequences = bindings.output_sequences,
                .inputs = {},
                .results = {}};
    TROIKA_TRY(message.program, number_of<RemoteProgram>(&program, "program"));
    for (size_t i = 0; i < bindings.inputs.size(); i++) {
      TROIKA_TRY(message.inputs[i], place_of(bindings.inputs[i]));
    }
    for (size_t i = 0; i < bindings.results.size(); i++) {
      TROIKA_TRY(message.results[i], place_of(bindings.results[i]));
    }
    return posted(message);
  }

  Result<Event> write(BufferView to, std::span<const std::byte> source) override {
    TROIKA_TRY(Place place, place_of(to, std::ssize(source), "write"));
    do {
      const auto piece = source.first(std::min(source.size(), size_t{kPieceBytes}));
      TROIKA_RETURN_IF_ERROR(link_->post(Write{place}, piece));
      place.offset += std::ssize(piece);
      source = source.subspan(piece.size());
    } while (!source.empty());
    return Event{++calls_};
  }

  Result<Event> read(BufferView from, std::span<std::byte> destination) override {
    TROIKA_TRY(Place place, place_of(from, std::ssize(destination), "read"));
    do {
      const int64_t bytes = std::min<int64_t>(std::ssize(destination), kPieceBytes);
      TROIKA_TRY(const auto answer, link_->ask(Read{place, bytes}));
      if (std::ssize(answer.body) != bytes)
        return fail(ErrorCode::device_lost, "{}: {} bytes came, wanted {}", info_.name,
                    answer.body.size(), bytes);
      std::ranges::copy(answer.body, destination.begin());
      place.offset += bytes;
      destination = destination.subspan(static_cast<size_t>(bytes));
    } while (!destination.empty());
    waited_ = calls_ + 1;
    return Event{++calls_};
  }

  Result<Event> copy(BufferView from, BufferView to, int64_t bytes) override {
    TROIKA_TRY(const Place source, place_of(from, bytes, "copy from"));
    TROIKA_TRY(const Place target, place_of(to, bytes, "copy to"));
    return posted(Copy{source, target, bytes});
  }

  Result<Event> fill(BufferView to, std::byte value, int64_t bytes) override {
    TROIKA_TRY(const Place place, place_of(to, bytes, "fill"));
    return posted(Fill{place, static_cast<uint8_t>(value), bytes});
  }

  Status wait(Event event) override {
    if (event.number > calls_)
      return fail(ErrorCode::invalid_argument, "wait for call {} of {}", event.number, calls_);
    if (event.number <= waited_) return ok();
    waited_ = calls_;
    return done(link_->ask(Wait{}, true));
  }

 private:
  static Status done(const Result<Decoded<Answer>>& answer) {
    return answer.ok() ? ok() : Status(answer.error());
  }

  Result<Event> posted(const Message& message) {
    TROIKA_RETURN_IF_ERROR(link_->post(message));
    return Event{++calls_};
  }

  /// The number of something of this device; 0 of nothing.
  template <typename Kind, typename Base>
  Result<int64_t> number_of(const Base* thing, std::string_view what) const {
    if (thing == nullptr) return 0;
    const auto* mine = dynamic_cast<const Kind*>(thing);
    if (mine == nullptr || mine->kept.link() != link_.get())
      return fail(ErrorCode::invalid_argument, "a {} of another device", what);
    return mine->kept.number();
  }

  Result<Place> place_of(const BufferView& view) const {
    TROIKA_TRY(const int64_t number, number_of<RemoteBuffer>(view.buffer, "buffer"));
    return Place{number, number == 0 ? 0 : view.offset};
  }

  Result<Place> place_of(const BufferView& view, int64_t bytes, std::string_view what) const {
    if (view.buffer == nullptr) return fail(ErrorCode::invalid_argument, "{}: no buffer", what);
    if (view.offset < 0 || bytes < 0 || bytes > view.buffer->bytes() - view.offset)
      return fail(ErrorCode::invalid_argument, "{}: {} bytes at {} of a buffer of {}", what, bytes,
                  view.offset, view.buffer->bytes());
    return place_of(view);
  }

  std::shared_ptr<Link> link_;
  const WeightFiles& files_;
  DeviceInfo info_;
  uint64_t calls_ = 0;
  uint64_t waited_ = 0;
};

}  // namespace
}  // namespace remote

Result<std::unique_ptr<Device>> make_remote_device(std::unique_ptr<Channel> channel,
                                                   const remote::WeightFiles& files,
                                                   const RemoteOptions& options) {
  auto link = std::make_shared<remote::Link>(std::move(channel), options.silence, options.on_lost);
  TROIKA_TRY(const auto answer, link->ask(remote::AskInfo{}));
  DeviceInfo info{.name = answer.value.text,
                  .memory_bytes = options.elsewhere_bytes.value_or(answer.value.number),
                  .elsewhere_bytes = options.elsewhere_bytes.value_or(0)};
  // "cpu (avx512, 2 threads)": what is before the comma says what it computes.
  if (!options.place.empty()) info.name += ", " + options.place;
  return std::unique_ptr<Device>(
      std::make_unique<remote::RemoteDevice>(std::move(link), files, std::move(info)));
}

}  // namespace troika
