#include "device/group/group_device.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "device/group/crew.h"
#include "device/group/group_memory.h"
#include "device/group/shared_transport.h"
#include "device/group/timed_transport.h"

namespace troika {
namespace group {
namespace {

using Members = std::vector<std::unique_ptr<Device>>;

/// "group (cpu avx512 + cpu avx512 by 1:1, 2 members)": what is before the comma decides bits or
/// where they lie.
std::string name_of(const Members& members, const Shares& shares) {
  std::vector<std::string> kinds;
  for (const auto& member : members) {
    std::string kind = member->info().name.substr(0, member->info().name.find(','));
    std::erase_if(kind, [](char c) { return c == '(' || c == ')'; });
    kinds.push_back(std::move(kind));
  }
  return fmt::format("group ({} by {}, {} members)", fmt::join(kinds, " + "),
                     fmt::join(shares, ":"), members.size());
}

class GroupDevice final : public Device {
 public:
  GroupDevice(Members members, Shares shares, std::unique_ptr<GroupTransport> transport,
              std::unique_ptr<Crew> crew)
      : members_(std::move(members)),
        shares_(std::move(shares)),
        transport_(std::move(transport)),
        timed_(*transport_, std::ssize(members_)),
        crew_(std::move(crew)),
        pending_(members_.size()) {
    info_.name = name_of(members_, shares_);
    // Members of one machine draw on its memory alike.
    for (const auto& member : members_) {
      const DeviceInfo& info = member->info();
      info_.memory_bytes = std::max(info_.memory_bytes, info.memory_bytes - info.elsewhere_bytes);
      info_.elsewhere_bytes += info.elsewhere_bytes;
    }
    info_.memory_bytes += info_.elsewhere_bytes;
  }

  const DeviceInfo& info() const override { return info_; }

  bool supports(const Op& op, DType dtype) const override {
    return std::ranges::all_of(members_,
                               [&](const auto& member) { return member->supports(op, dtype); });
  }

  Result<std::unique_ptr<Buffer>> allocate(int64_t bytes) override {
    auto buffer = std::make_unique<GroupBuffer>(bytes);
    for (const auto& member : members_) {
      TROIKA_TRY(buffer->parts.emplace_back(), member->allocate(bytes));
    }
    return std::unique_ptr<Buffer>(std::move(buffer));
  }

  Result<std::unique_ptr<Buffer>> allocate_state(const StateSpec& spec, const StateOptions& options,
                                                 int64_t units) override {
    if (const Status status = check_state(spec, options); !status.ok())
      return fail(status.error().code(), "{}: {}", info_.name, status.error().message());
    TROIKA_TRY(const int64_t bytes, state_bytes(info_, spec, options, units));
    auto buffer = std::make_unique<GroupBuffer>(bytes);
    buffer->spec = spec;
    buffer->options = options;
    buffer->units = units;
    buffer->unit_bytes = state_unit_bytes(spec, options);
    return std::unique_ptr<Buffer>(std::move(buffer));
  }

  Result<std::unique_ptr<ImportedWeight>> import_weight(const WeightInfo& weight,
                                                        const ImportOptions& options) override {
    auto imported = std::make_unique<GroupWeight>();
    imported->info = weight;
    imported->info.data = {};
    imported->parts.resize(members_.size());
    imported->tables.resize(members_.size());
    TROIKA_RETURN_IF_ERROR(on_members(
        [&](size_t m) -> Status { return import_member_part(weight, options, m, *imported); }));
    return std::unique_ptr<ImportedWeight>(std::move(imported));
  }

  int64_t weight_bytes(const WeightInfo& weight) const override {
    int64_t bytes = 0;
    for (size_t m = 0; m < members_.size(); m++) {
      const WeightCut cut = cut_of(weight, m);
      if (cut.weight.present()) bytes += members_[m]->weight_bytes(part_of(weight, cut));
      if (weight.use == WeightUse::matmul_lookup)
        bytes += members_[m]->weight_bytes(table_of(weight));
    }
    return bytes;
  }

  HeldMemory held() const override {
    HeldMemory sum;
    for (const auto& member : members_) sum += member->held();
    return sum;
  }

  std::span<const std::unique_ptr<Device>> members() const override { return members_; }

  std::vector<double> exchange_seconds() const override { return timed_.exchange_seconds(); }

  Result<std::unique_ptr<Executable>> compile(const Graph& graph, const Sizes& sizes,
                                              const Resources& resources) override {
    TROIKA_TRY(const std::vector<const GroupWeight*> weights, weights_of(resources));
    std::vector<WeightInfo> infos(weights.size());
    for (size_t id = 0; id < weights.size(); id++)
      if (weights[id] != nullptr) infos[id] = weights[id]->info;
    TROIKA_TRY(const ShardedGraph sharded, shard(graph, infos, resources.state_infos, shares_));
    TROIKA_TRY(const std::vector<GroupBuffer*> states, place_states(sharded, resources));
    auto program = std::make_unique<GroupProgram>();
    program->logits = sharded.logits;
    program->sizes = sizes;
    program->owner = this;
    for (size_t m = 0; m < members_.size(); m++) {
      const MemberGraph& member = sharded.members[m];
      program->logit_widths.push_back(member.logits);
      auto compiled = compile_part(member, m, {weights, states}, sizes, resources);
      if (!compiled.ok()) return told(m, compiled.error());
      program->programs.push_back(std::move(*compiled));
    }
    return std::unique_ptr<Executable>(std::move(program));
  }

  Result<Event> run(Executable& program, const Bindings& bindings) override {
    auto* mine = dynamic_cast<GroupProgram*>(&program);
    if (mine == nullptr || mine->owner != this)
      return fail(ErrorCode::invalid_argument, "the program was compiled by another device");
    if (lost_)
      return fail(ErrorCode::device_lost, "{} has failed before: {}; load the model anew",
                  info_.name, lost_->message());
    TROIKA_RETURN_IF_ERROR(check_counts(bindings, mine->sizes));
    for (const BufferView& view : bindings.inputs) TROIKA_RETURN_IF_ERROR(check_plain(view));
    for (const BufferView& view : bindings.results) TROIKA_RETURN_IF_ERROR(check_plain(view));
    transport_->begin_step();
    Status status = on_members([&](size_t m) -> Status {
      const Status ran = run_part(*mine->programs[m], bindings, m);
      if (!ran.ok()) transport_->give_up();
      return ran;
    });
    if (status.ok()) status = transport_->status();
    if (!status.ok()) {
      if (status.error().code() != ErrorCode::invalid_argument) lost_ = status.error();
      return status.error();
    }
    if (auto* logits = buffer_of(bindings[Output::logits]);
        logits != nullptr && mine->logits != LogitsForm::none)
      logits->logits = {mine->logits, mine->logit_widths, bindings.outputs,
                        bindings[Output::logits].offset};
    return Event{++calls_};
  }

  Result<Event> write(BufferView to, std::span<const std::byte> source) override {
    TROIKA_TRY(GroupBuffer* const buffer, buffer_at(to, std::ssize(source), "write"));
    if (buffer->alike()) {
      TROIKA_RETURN_IF_ERROR(check_placed(*buffer));
      buffer->logits = {};
      for (size_t m = 0; m < members_.size(); m++)
        TROIKA_RETURN_IF_ERROR(
            begin(m, members_[m]->write({buffer->parts[m].get(), to.offset}, source)));
      return Event{++calls_};
    }
    TROIKA_RETURN_IF_ERROR(
        each_part(*buffer, to.offset, std::ssize(source),
                  [&](size_t m, const BufferView& at, int64_t from, int64_t bytes) {
                    return members_[m]->write(
                        at, source.subspan(static_cast<size_t>(from), static_cast<size_t>(bytes)));
                  }));
    return Event{++calls_};
  }

  Result<Event> read(BufferView from, std::span<std::byte> destination) override {
    TROIKA_TRY(GroupBuffer* const buffer, buffer_at(from, std::ssize(destination), "read"));
    if (buffer->logits.form == LogitsForm::units || buffer->logits.form == LogitsForm::scatter) {
      TROIKA_RETURN_IF_ERROR(read_logits(*buffer, from.offset, destination));
    } else if (buffer->alike()) {
      TROIKA_RETURN_IF_ERROR(check_placed(*buffer));
      TROIKA_RETURN_IF_ERROR(
          finish(0, members_[0]->read({buffer->parts[0].get(), from.offset}, destination)));
    } else {
      TROIKA_RETURN_IF_ERROR(each_part(
          *buffer, from.offset, std::ssize(destination),
          [&](size_t m, const BufferView& at, int64_t to, int64_t bytes) {
            return members_[m]->read(
                at, destination.subspan(static_cast<size_t>(to), static_cast<size_t>(bytes)));
          }));
    }
    return Event{++calls_};
  }

  Result<Event> copy(BufferView from, BufferView to, int64_t bytes) override {
    TROIKA_TRY(GroupBuffer* const source, buffer_at(from, bytes, "copy from"));
    TROIKA_TRY(GroupBuffer* const target, buffer_at(to, bytes, "copy to"));
    if (source->alike() != target->alike())
      return fail(ErrorCode::invalid_argument,
                  "copy between memory that members share and memory that each has");
    UnitRange read{from.offset, bytes};
    UnitRange written{to.offset, bytes};
    if (!source->alike()) {
      TROIKA_TRY(read, units_at(*source, from.offset, bytes));
      TROIKA_TRY(written, units_at(*target, to.offset, bytes));
      if (source->part_bytes != target->part_bytes)
        return fail(ErrorCode::invalid_argument, "copy between states of different units");
    }
    TROIKA_RETURN_IF_ERROR(check_placed(*source));
    TROIKA_RETURN_IF_ERROR(check_placed(*target));
    target->logits = {};
    for (size_t m = 0; m < members_.size(); m++) {
      const int64_t unit = source->alike() ? 1 : source->part_bytes[m];
      if (unit == 0) continue;
      TROIKA_RETURN_IF_ERROR(begin(
          m, members_[m]->copy({source->parts[m].get(), read.first * unit},
                               {target->parts[m].get(), written.first * unit}, read.count * unit)));
    }
    return Event{++calls_};
  }

  Result<Event> fill(BufferView to, std::byte value, int64_t bytes) override {
    TROIKA_TRY(GroupBuffer* const buffer, buffer_at(to, bytes, "fill"));
    UnitRange units{to.offset, bytes};
    if (!buffer->alike()) {
      TROIKA_TRY(units, units_at(*buffer, to.offset, bytes));
    }
    TROIKA_RETURN_IF_ERROR(check_placed(*buffer));
    buffer->logits = {};
    for (size_t m = 0; m < members_.size(); m++) {
      const int64_t unit = buffer->alike() ? 1 : buffer->part_bytes[m];
      if (unit == 0) continue;
      TROIKA_RETURN_IF_ERROR(
          begin(m, members_[m]->fill({buffer->parts[m].get(), units.first * unit}, value,
                                     units.count * unit)));
    }
    return Event{++calls_};
  }

  Status wait(Event event) override {
    if (event.number > calls_)
      return fail(ErrorCode::invalid_argument, "wait for call {} of {}", event.number, calls_);
    for (size_t m = 0; m < members_.size(); m++)
      if (pending_[m]) TROIKA_RETURN_IF_ERROR(finish(m, *pending_[m]));
    return ok();
  }

 private:
  /// All that compile() looked up.
  struct Found {
    const std::vector<const GroupWeight*>& weights;
    const std::vector<GroupBuffer*>& states;
  };

  Error told(size_t member, const Error& error) const {
    return fail(error.code(), "member {} of {} ({}): {}", member, members_.size(),
                members_[member]->info().name, error.message());
  }

  /// Notes a call that nobody has to wait for yet.
  Status begin(size_t member, const Result<Event>& event) {
    if (!event.ok()) return told(member, event.error());
    pending_[member] = *event;
    return ok();
  }

  Status finish(size_t member, const Result<Event>& event) {
    pending_[member].reset();  // a later call waits for those before it, too
    const Status status = event.ok() ? members_[member]->wait(*event) : Status(event.error());
    return status.ok() ? ok() : Status(told(member, status.error()));
  }

  /// Calls work(m) for all members at the same time; the error of the first that has one of its
  /// own making.
  template <typename Work>
  Status on_members(Work work) {
    std::vector<Status> results(members_.size(), ok());
    crew_->run([&](int64_t m) { results[static_cast<size_t>(m)] = work(static_cast<size_t>(m)); });
    for (size_t m = 0; m < results.size(); m++)
      if (!results[m].ok()) return told(m, results[m].error());
    return ok();
  }

  WeightCut cut_of(const WeightInfo& weight, size_t member) const {
    return cut_weight(weight, shares_, static_cast<int64_t>(member));
  }

  /// As members multiply with it.
  static WeightInfo matrix_of(const WeightInfo& weight) {
    WeightInfo matrix = weight;
    if (matrix.use == WeightUse::matmul_lookup) matrix.use = WeightUse::matmul;
    return matrix;
  }

  Status import_member_part(const WeightInfo& weight, const ImportOptions& options, size_t m,
                            GroupWeight& imported) {
    if (weight.use == WeightUse::matmul_lookup) {
      TROIKA_TRY(imported.tables[m], members_[m]->import_weight(table_of(weight), options));
    }
    const WeightCut cut = cut_of(weight, m);
    if (!cut.weight.present()) return ok();
    TROIKA_TRY(imported.parts[m], members_[m]->import_part(matrix_of(weight), cut, options));
    return ok();
  }

  Result<std::vector<const GroupWeight*>> weights_of(const Resources& resources) const {
    std::vector<const GroupWeight*> weights;
    for (const ImportedWeight* weight : resources.weights) {
      weights.push_back(dynamic_cast<const GroupWeight*>(weight));
      if ((weight != nullptr && weights.back() == nullptr) ||
          (weight != nullptr && weights.back()->parts.size() != members_.size()))
        return fail(ErrorCode::invalid_argument, "weight {} was not imported by this device",
                    weights.size() - 1);
    }
    return weights;
  }

  /// Gives states that `sharded` uses their memory.
  Result<std::vector<GroupBuffer*>> place_states(const ShardedGraph& sharded,
                                                 const Resources& resources) const {
    std::vector<GroupBuffer*> states(resources.states.size());
    for (size_t id = 0; id < states.size(); id++) {
      std::vector<std::optional<StateSpec>> parts;
      bool used = false;
      for (const MemberGraph& member : sharded.members) {
        parts.push_back(id < member.states.size() ? member.states[id] : std::nullopt);
        used = used || parts.back();
      }
      if (!used) continue;
      states[id] = dynamic_cast<GroupBuffer*>(resources.states[id]);
      if (states[id] == nullptr || !states[id]->is_state())
        return fail(ErrorCode::invalid_argument, "state {} was not allocated by this device",
                    resources.state_infos[id].name);
      if (const Status status = place_state(*states[id], parts, members_); !status.ok())
        return fail(status.error().code(), "{}: {}", resources.state_infos[id].name,
                    status.error().message());
    }
    return states;
  }

  Result<std::unique_ptr<Executable>> compile_part(const MemberGraph& member, size_t m,
                                                   const Found& found, const Sizes& sizes,
                                                   const Resources& resources) {
    const size_t count = found.weights.size();
    std::vector<ImportedWeight*> weights(2 * count);
    for (size_t id = 0; id < count; id++) {
      if (found.weights[id] == nullptr) continue;
      weights[id] = found.weights[id]->parts[m].get();
      weights[count + id] = found.weights[id]->tables[m].get();
    }
    std::vector<StateInfo> infos(resources.state_infos.begin(), resources.state_infos.end());
    std::vector<Buffer*> states(infos.size());
    for (size_t id = 0; id < states.size(); id++) {
      if (id >= member.states.size() || !member.states[id]) continue;
      infos[id].spec = *member.states[id];
      states[id] = found.states[id]->parts[m].get();
    }
    return members_[m]->compile(member.graph, sizes,
                                {.weights = weights,
                                 .state_infos = infos,
                                 .states = states,
                                 .state_options = resources.state_options,
                                 .transport = &timed_,
                                 .member = static_cast<int64_t>(m)});
  }

  Status run_part(Executable& program, const Bindings& bindings, size_t m) {
    Bindings own = bindings;
    for (BufferView& view : own.inputs) view = view_of(view, m);
    for (BufferView& view : own.results) view = view_of(view, m);
    pending_[m].reset();
    TROIKA_TRY(const Event event, members_[m]->run(program, own));
    return members_[m]->wait(event);
  }

  static GroupBuffer* buffer_of(const BufferView& view) {
    return dynamic_cast<GroupBuffer*>(view.buffer);
  }

  static BufferView view_of(const BufferView& view, size_t m) {
    if (view.buffer == nullptr) return view;
    return {buffer_of(view)->parts[m].get(), view.offset};
  }

  Status check_plain(const BufferView& view) const {
    if (view.buffer == nullptr) return ok();
    const GroupBuffer* buffer = buffer_of(view);
    if (buffer == nullptr || buffer->is_state() || buffer->parts.size() != members_.size())
      return fail(ErrorCode::invalid_argument, "a step needs plain buffers of this device");
    return ok();
  }

  static Status check_placed(const GroupBuffer& buffer) {
    if (!buffer.parts.empty()) return ok();
    return fail(ErrorCode::invalid_argument, "a state that no graph uses");
  }

  Result<GroupBuffer*> buffer_at(const BufferView& view, int64_t bytes, std::string_view what) {
    GroupBuffer* const buffer = buffer_of(view);
    if (buffer == nullptr)
      return fail(ErrorCode::invalid_argument, "{}: no buffer of this device", what);
    if (view.offset < 0 || bytes < 0 || bytes > buffer->bytes() - view.offset)
      return fail(ErrorCode::invalid_argument, "{}: {} bytes at {} of a buffer of {}", what, bytes,
                  view.offset, buffer->bytes());
    return buffer;
  }

  /// Calls transfer(m, place there, offset in the bytes, how many) for each unit and member: the
  /// bytes of a unit are those of the first member, then those of the next ...
  template <typename Transfer>
  Status each_part(const GroupBuffer& state, int64_t offset, int64_t bytes, Transfer transfer) {
    TROIKA_TRY(const UnitRange units, units_at(state, offset, bytes));
    if (std::accumulate(state.part_bytes.begin(), state.part_bytes.end(), int64_t{0}) !=
        state.unit_bytes)
      return fail(ErrorCode::unsupported,
                  "keys and values that several members of {} hold cannot be taken out or put back",
                  info_.name);
    int64_t at = 0;
    for (int64_t unit = units.first; unit < units.first + units.count; unit++)
      for (size_t m = 0; m < members_.size(); m++) {
        const int64_t part = state.part_bytes[m];
        if (part == 0) continue;
        TROIKA_RETURN_IF_ERROR(
            finish(m, transfer(m, BufferView{state.parts[m].get(), unit * part}, at, part)));
        at += part;
      }
    return ok();
  }

  Status read_logits(const GroupBuffer& buffer, int64_t offset, std::span<std::byte> destination) {
    constexpr int64_t kFloat = sizeof(float);
    const ShownLogits& logits = buffer.logits;
    const int64_t row_bytes = logits.width() * kFloat;
    const int64_t begin = offset - logits.offset;
    const int64_t end = begin + std::ssize(destination);
    if (begin < 0 || end > logits.rows * row_bytes)
      return fail(ErrorCode::invalid_argument, "bytes {} to {} of {} rows of {} logits", begin, end,
                  logits.rows, logits.width());
    const int64_t first = begin / row_bytes;
    const int64_t rows = (end + row_bytes - 1) / row_bytes - first;
    std::vector<std::vector<float>> parts(members_.size());
    for (size_t m = 0; m < members_.size(); m++) {
      const int64_t width = logits.widths[m];
      parts[m].resize(static_cast<size_t>(rows * width));
      if (parts[m].empty()) continue;
      TROIKA_RETURN_IF_ERROR(finish(
          m, members_[m]->read({buffer.parts[m].get(), logits.offset + first * width * kFloat},
                               std::as_writable_bytes(std::span(parts[m])))));
    }
    std::vector<float> whole(static_cast<size_t>(rows * logits.width()));
    join_logits(logits, parts, whole);
    const std::span<const std::byte> bytes = std::as_bytes(std::span(whole));
    std::ranges::copy(
        bytes.subspan(static_cast<size_t>(begin - first * row_bytes), destination.size()),
        destination.begin());
    return ok();
  }

  Members members_;
  Shares shares_;
  std::unique_ptr<GroupTransport> transport_;
  TimedTransport timed_;  // transport_, as members have it
  std::unique_ptr<Crew> crew_;
  std::vector<std::optional<Event>> pending_;  // by member: its last call that was not waited for
  DeviceInfo info_;
  std::optional<Error> lost_;
  uint64_t calls_ = 0;
};

}  // namespace
}  // namespace group

Result<std::unique_ptr<Device>> make_group_device(std::vector<std::unique_ptr<Device>> members,
                                                  Shares shares,
                                                  std::unique_ptr<GroupTransport> transport) {
  if (members.empty() || std::ssize(members) > kMembersMax)
    return fail(ErrorCode::invalid_argument, "a group of {} devices, wanted 1 to {}",
                members.size(), kMembersMax);
  if (shares.size() != members.size())
    return fail(ErrorCode::invalid_argument, "{} shares for {} devices", shares.size(),
                members.size());
  TROIKA_RETURN_IF_ERROR(check_shares(shares));
  for (const auto& member : members)
    if (!member->supports(Exchange{}, DType::f32))
      return fail(ErrorCode::unsupported, "device {} cannot be a member of a group",
                  member->info().name);
  TROIKA_TRY(auto crew, group::Crew::create(std::ssize(members)));
  if (transport == nullptr)
    transport = std::make_unique<group::SharedTransport>(std::ssize(members));
  return std::unique_ptr<Device>(std::make_unique<group::GroupDevice>(
      std::move(members), std::move(shares), std::move(transport), std::move(crew)));
}

}  // namespace troika
