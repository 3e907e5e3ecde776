#include "runtime/ranks/ranks.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include "core/topology.h"
#include "device/cpu/cpu_device.h"
#include "device/group/group_device.h"
#include "device/remote/follower.h"
#include "device/remote/mesh_transport.h"
#include "device/remote/remote_device.h"
#include "engine/session_file.h"
#include "runtime/split.h"

namespace troika {
namespace {

/// What channels are for.
enum Tag : int { command_tag = 1, exchange_tag = 2, farewell_tag = 3, pulse_tag = 4 };

/// How long a rank may give no sign of life.
std::chrono::milliseconds silence_of(const DeviceOptions& options) {
  return std::chrono::seconds(options.mpi_timeout_s);
}

/// Sends one byte to all `channels` and takes one from each. Errors: device_lost — not in `limit`.
Status exchange_signs(std::span<const std::unique_ptr<Channel>> channels,
                      std::optional<std::chrono::milliseconds> limit) {
  const std::byte sign{1};
  std::vector<std::byte> message;
  for (const auto& channel : channels)
    if (channel != nullptr) TROIKA_RETURN_IF_ERROR(channel->send({&sign, 1}));
  Patience patience;
  Silence silence(limit.value_or(std::chrono::milliseconds(0)));
  for (size_t rank = 0; rank < channels.size(); rank++) {
    Channel* const channel = channels[rank].get();
    for (bool came = channel == nullptr, sent = came; !came || !sent;) {
      if (!came) {
        TROIKA_TRY(came, channel->poll(message));
      }
      TROIKA_TRY(sent, channel->sent());
      if (limit && silence.is_over())
        return fail(ErrorCode::device_lost, "rank {} says nothing", rank);
      if (!came || !sent) patience.pause();
    }
  }
  return ok();
}

}  // namespace

Status Ranks::open_files(const RankOptions& options, RankHello& hello) {
  for (const std::string& path : options.files) {
    if (path.empty()) continue;
    Result<gguf::File> file = gguf::File::open(path);
    if (!file.ok()) return file.error();
    hello.model += fmt::format("{:016x} {} ", model_fingerprint(*file), file->bytes());
    files_.push_back(std::move(*file));
  }
  return ok();
}

Result<std::unique_ptr<Ranks>> Ranks::join(const RankOptions& options) {
  TROIKA_TRY(std::unique_ptr<MpiWorld> world, MpiWorld::join());
  std::unique_ptr<Ranks> ranks(new Ranks(std::move(world)));
  Ranks& r = *ranks;
  if (!r.leads() && options.on_follower) options.on_follower();
  r.device_ = options.device;
  RankHello mine = hello_of_this_machine();
  mine.version = options.version;
  if (const Status opened = r.open_files(options, mine); !opened.ok())
    mine.error = opened.error().message();
  const Status met = [&]() -> Status {
    TROIKA_TRY(const std::vector<std::string> texts, r.world_->tell_all(mine.text()));
    for (const std::string& text : texts) r.hellos_.push_back(RankHello::read(text));
    TROIKA_RETURN_IF_ERROR(check_ranks(r.hellos_, options.device.mpi_trust_network));
    TROIKA_RETURN_IF_ERROR(r.greet_all());
    return options.device.measured_shares ? r.measure_all() : ok();
  }();
  if (met.ok()) return ranks;
  // All have heard the same and end alike.
  r.world_->end();
  if (r.leads()) return met.error();
  return fail(ErrorCode::cancelled, "{}", met.error().message());
}

Ranks::~Ranks() = default;

/// Opens the channels, and says something on each: libraries connect when they first have to, and
/// a server that serves may not.
Status Ranks::greet_all() {
  const auto count = static_cast<size_t>(world_->ranks());
  for (auto* channels : {&commands_, &exchanges_, &farewells_}) channels->resize(count);
  std::vector<std::unique_ptr<Channel>> pulses;
  for (size_t rank = 0; rank < count; rank++) {
    const auto peer = static_cast<int64_t>(rank);
    if (peer == world_->rank()) continue;
    exchanges_[rank] = world_->channel(peer, exchange_tag);
    if (!leads() && peer != 0) continue;
    commands_[rank] = world_->channel(peer, command_tag);
    farewells_[rank] = world_->channel(peer, farewell_tag);
    pulses.push_back(world_->channel(peer, pulse_tag));
  }
  TROIKA_RETURN_IF_ERROR(exchange_signs(exchanges_, {}));
  TROIKA_RETURN_IF_ERROR(exchange_signs(commands_, {}));
  pulse_.emplace(std::move(pulses), silence_of(device_));
  return ok();
}

std::unique_ptr<GroupTransport> Ranks::make_transport() {
  return std::make_unique<MeshTransport>(std::move(exchanges_));
}

/// This rank's own device. Ranks that share processors divide them.
Result<std::unique_ptr<Device>> Ranks::make_member(const DeviceOptions& options) const {
  if (!options.processors.empty())
    return fail(ErrorCode::invalid_argument,
                "--cpus is the same for all ranks, wanted mpirun to say where each runs: --bind-to "
                "core, or --cpu-set");
  CpuOptions cpu{.threads = options.threads, .pin = options.pin, .isa_max = options.isa_max};
  const auto rank = static_cast<size_t>(world_->rank());
  const int64_t beside = ranks_beside(hellos_, rank);
  if (beside > 1) {
    cpu.pin = false;
    const auto cores = static_cast<int64_t>(available_cores().size());
    if (cpu.threads == 0) cpu.threads = static_cast<int>(std::max<int64_t>(1, cores / beside));
  }
  return make_cpu_device(cpu);
}

/// All ranks at the same time, for those of one machine share its bandwidth.
Status Ranks::measure_all() {
  const Result<double> mine = [this]() -> Result<double> {
    std::vector<std::unique_ptr<Device>> own;
    TROIKA_TRY(own.emplace_back(), make_member(device_));
    TROIKA_TRY(const std::vector<double> speeds, measure_speeds(own));
    return speeds[0];
  }();
  TROIKA_TRY(const std::vector<std::string> texts,
             world_->tell_all(mine.ok() ? fmt::format("{}", *mine) : mine.error().message()));
  for (size_t rank = 0; rank < texts.size(); rank++) {
    const char* const end = texts[rank].data() + texts[rank].size();
    const auto [stop, error] = std::from_chars(texts[rank].data(), end, speeds_.emplace_back());
    if (error != std::errc() || stop != end)
      return fail(ErrorCode::invalid_argument, "rank {} on {}: {}", rank, hellos_[rank].host,
                  texts[rank]);
  }
  return ok();
}

Result<Shares> Ranks::choose_shares(const DeviceOptions& options) const {
  const size_t count = hellos_.size();
  if (options.measured_shares) {
    MeasuredSplit split{.bytes_per_s = speeds_, .shares = split_by_speed(speeds_)};
    for (size_t rank = 0; rank < count; rank++)
      split.devices.push_back(fmt::format("rank {} on {}", rank, hellos_[rank].host));
    if (options.on_split) options.on_split(split);
    return split.shares;
  }
  if (options.shares.empty()) return Shares(count, 1);
  if (options.shares.size() != count)
    return fail(ErrorCode::invalid_argument, "{} shares for {} ranks", options.shares.size(),
                count);
  return options.shares;
}

Result<std::unique_ptr<Device>> Ranks::make_device(const DeviceOptions& options,
                                                   std::span<const gguf::File* const> files) {
  const auto count = static_cast<size_t>(world_->ranks());
  TROIKA_TRY(Shares shares, choose_shares(options));
  if (std::exchange(device_made_, true))
    return fail(ErrorCode::invalid_argument, "ranks work for one model at a time");
  for (const gguf::File* file : files) weights_.add(*file);
  TROIKA_TRY(std::unique_ptr<Device> own, make_member(options));
  if (count == 1) return own;
  std::vector<std::unique_ptr<Device>> members;
  members.push_back(std::move(own));
  std::vector<std::string> machines = {hellos_[0].machine};
  for (size_t rank = 1; rank < count; rank++) {
    const RankHello& hello = hellos_[rank];
    RemoteOptions remote{.place = fmt::format("rank {} on {}", rank, hello.host),
                         .silence = silence_of(options),
                         .on_lost = [this] { lost_ = true; }};
    if (hello.machine != hellos_[0].machine) {
      const bool told = std::ranges::find(machines, hello.machine) != machines.end();
      remote.elsewhere_bytes = told ? 0 : hello.memory_bytes;
      machines.push_back(hello.machine);
    }
    auto member = make_remote_device(std::move(commands_[rank]), weights_, remote);
    if (!member.ok())
      return fail(member.error().code(), "{}: {}", remote.place, member.error().message());
    members.push_back(std::move(*member));
  }
  pulse_->beat();
  return make_group_device(std::move(members), std::move(shares), make_transport());
}

Status Ranks::follow(const std::function<void(const Error&)>& on_leader_lost) {
  pulse_->listen([on_leader_lost, limit = silence_of(device_)] {
    on_leader_lost(fail(ErrorCode::device_lost, "rank 0 gives no sign of life for {} s",
                        std::chrono::duration_cast<std::chrono::seconds>(limit).count()));
  });
  for (const gguf::File& file : files_) weights_.add(file);
  TROIKA_TRY(const std::unique_ptr<Device> device, make_member(device_));
  return troika::follow(*device, weights_,
                        {.leader = std::move(commands_[0]),
                         .transport = make_transport(),
                         .sign_of_life = silence_of(device_) / 5});
}

/// Whether all ranks are about to end: each pair says farewell.
bool Ranks::all_leave() {
  for (const auto& channel : commands_)  // of followers that nobody made a device of
    if (channel != nullptr && leads()) (void)channel->send(remote::encoded(remote::End{}));
  return !lost_ && exchange_signs(farewells_, silence_of(device_)).ok();
}

int Ranks::leave(int exit_code) {
  pulse_->stop();
  if (!all_leave()) world_->abort(exit_code == 0 ? 1 : exit_code);
  pulse_.reset();
  world_->end();
  return exit_code;
}

}  // namespace troika
