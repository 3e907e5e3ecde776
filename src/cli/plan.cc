// troika plan: what a model takes and how fast it will be, before it is loaded.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "cli/choice.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/model_flags.h"
#include "cli/plan_measure.h"
#include "cli/plan_report.h"
#include "cli/sampling_flags.h"
#include "cli/session_flags.h"
#include "cli/streams.h"
#include "device/group/group_device.h"
#include "plan/speed_probe.h"
#include "runtime/model_session.h"

namespace troika::cli {
namespace {

constexpr int64_t kUsersMax = 4096;  // as the engine has it
constexpr int64_t kDepthMax = 1 << 20;
constexpr int64_t kSimulatedMax = kMembersMax;

struct PlanOptions {
  ModelSetup model;
  std::optional<int64_t> context;
  int64_t users = 1;
  int64_t depth = PlanRequest{}.depth;
  SpeculationOptions speculation;
  int64_t draft_rows = kDraftRowsAuto;
  bool measure = false;
  int64_t rounds = 5;
  bool json = false;
  std::vector<int64_t> simulated;  // numbers of members; none: no simulation
  double link_latency_us = 10;
  double link_gbps = 1.25;
  std::optional<double> member_gbps, member_tops;  // none: as this machine does
  double member_op_us = 2;
};

Result<PlanRequest> request_of(const PlanOptions& options, const ModelInfo& info) {
  const bool drafts = options.speculation.type != SpecType::none && info.draft_head;
  PlanRequest request{.engine = {.context = context_tokens(options.context, info),
                                 .sequences_max = options.users,
                                 .chunk_tokens = options.model.chunk_tokens,
                                 .draft_tokens_max = drafts ? options.speculation.depth_max : 0,
                                 .kv_dtype = options.model.kv_dtype},
                      .depth = options.depth};
  if (request.engine.context < 2 || request.engine.context > kPlannedTokensMax)
    return fail(ErrorCode::invalid_argument, "a context of {} tokens, wanted 2 to {}",
                request.engine.context, kPlannedTokensMax);
  request.depth = std::min(request.depth, request.engine.context - 1);
  return request;
}

std::vector<const Device*> borrowed(const std::vector<std::unique_ptr<Device>>& devices) {
  std::vector<const Device*> pointers;
  for (const auto& device : devices) pointers.push_back(device.get());
  return pointers;
}

/// Main memory that members can draw on.
int64_t memory_there(const std::vector<std::unique_ptr<Device>>& devices) {
  int64_t bytes = 0;
  for (const auto& device : devices)
    bytes = std::max(bytes, device->info().memory_bytes - device->info().elsewhere_bytes);
  return std::min(bytes, memory_available(bytes));
}

/// Refuses what cannot fit by the split that is asked for, before anything is measured.
Status check_plan(const Model& model, const PlanRequest& request, const PlanMembers& members,
                  const Shares& shares) {
  TROIKA_TRY(const auto memory, member_memory(model, request.engine, shares, members.devices));
  return check_fit(memory, members.names, members.available_bytes);
}

Status measure(const PlanOptions& options, OpenModel& opened, const SpeedProbe& probe,
               PlanReport& report) {
  const InterruptScope interrupt;
  Progress progress = Progress::on(stderr);
  DeviceOptions device_options = options.model.device;
  device_options.measured_shares = false;
  if (report.prediction.shares.size() > 1) device_options.shares = report.prediction.shares;
  TROIKA_TRY(const auto device, make_device(device_options));
  TROIKA_TRY(const LoadedModel loaded, import_weights(opened, *device, progress));
  TROIKA_TRY(PlanMeasurement measurement,
             measure_plan(loaded, report.request, probe, options.rounds, interrupt, progress));
  report.measured = std::move(measurement.measured);
  report.members.speeds = measurement.speed.members;
  report.members.link = measurement.speed.link;
  TROIKA_TRY(report.prediction, predict(loaded.model, report.request, report.members,
                                        Shares(report.prediction.shares)));
  return ok();
}

Result<PlanMembers> members_of(const PlanOptions& options,
                               const std::vector<std::unique_ptr<Device>>& devices) {
  const DeviceOptions& device = options.model.device;
  if (!device.shares.empty() && device.shares.size() != devices.size())
    return fail(ErrorCode::invalid_argument, "{} shares for {} devices", device.shares.size(),
                devices.size());
  return PlanMembers{.names = device_names(device),
                     .devices = borrowed(devices),
                     .speeds = {},
                     .link = {},
                     .available_bytes = memory_there(devices)};
}

Status plan(const PlanOptions& options) {
  TROIKA_TRY(OpenModel opened,
             open_model(options.model.path,
                        {.draft_head = allows(options.speculation.type, DraftClass::mtp),
                         .draft_rows = options.draft_rows}));
  const DeviceOptions& device = options.model.device;
  TROIKA_TRY(const auto devices, make_devices(device));
  PlanReport report{.model = options.model.path};
  TROIKA_TRY(report.request, request_of(options, opened.model.info));
  TROIKA_TRY(report.members, members_of(options, devices));
  Shares shares = device.shares.empty() ? Shares(devices.size(), 1) : device.shares;
  if (!device.measured_shares)
    TROIKA_RETURN_IF_ERROR(check_plan(opened.model, report.request, report.members, shares));
  TROIKA_TRY(const SpeedProbe probe,
             SpeedProbe::make(devices, opened.model, options.model.chunk_tokens));
  TROIKA_TRY(const GroupSpeed speed, probe.measure());
  report.members.speeds = speed.members;
  report.members.link = speed.link;
  TROIKA_TRY(report.recommended, recommend_split(opened.model, report.request, report.members));
  TROIKA_TRY(const Prediction best,
             predict(opened.model, report.request, report.members, report.recommended));
  report.recommended_tokens_per_s = best.one_user.tokens_per_s;
  if (device.measured_shares) shares = report.recommended;
  TROIKA_TRY(report.prediction, predict(opened.model, report.request, report.members, shares));
  if (options.measure) TROIKA_RETURN_IF_ERROR(measure(options, opened, probe, report));
  return write_stdout(options.json ? plan_json(report) : plan_text(report));
}

/// What one simulated member does: as it is said, or as this machine's device does.
Result<MemberSpeed> simulated_member(const PlanOptions& options, const Model& model,
                                     const std::vector<std::unique_ptr<Device>>& devices) {
  constexpr double kFloatShare = 0.25;  // of the operations on 8 bits
  MemberSpeed speed{.op_s = options.member_op_us * 1e-6};
  if (!options.member_gbps || !options.member_tops) {
    TROIKA_TRY(const SpeedProbe probe,
               SpeedProbe::make(devices, model, options.model.chunk_tokens));
    TROIKA_TRY(const GroupSpeed measured, probe.measure());
    speed = measured.members[0];
  }
  if (options.member_gbps) speed.bytes_per_s = *options.member_gbps * 1e9;
  if (!options.member_tops) return speed;
  speed.int8_per_s = *options.member_tops * 1e12;
  speed.f32_per_s = kFloatShare * speed.int8_per_s;
  return speed;
}

Status simulate(const PlanOptions& options) {
  TROIKA_TRY(OpenModel opened,
             open_model(options.model.path,
                        {.draft_head = allows(options.speculation.type, DraftClass::mtp),
                         .draft_rows = options.draft_rows}));
  TROIKA_TRY(const auto devices, make_devices(options.model.device));
  if (devices.size() != 1)
    return fail(ErrorCode::invalid_argument,
                "--simulate: {} devices, wanted one that all members are like", devices.size());
  SimulationReport report{.model = options.model.path,
                          .latency_s = options.link_latency_us * 1e-6,
                          .link_bytes_per_s = options.link_gbps * 1e9,
                          .layers = opened.model.info.layers};
  TROIKA_TRY(report.request, request_of(options, opened.model.info));
  TROIKA_TRY(report.member, simulated_member(options, opened.model, devices));
  std::vector<int64_t> counts = {1};
  counts.insert(counts.end(), options.simulated.begin(), options.simulated.end());
  std::ranges::sort(counts);
  counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
  for (const int64_t count : counts) {
    const auto n = static_cast<size_t>(count);
    const PlanMembers members{
        .names = std::vector<std::string>(n, "simulated"),
        .devices = std::vector<const Device*>(n, devices[0].get()),
        .speeds = std::vector<MemberSpeed>(n, report.member),
        .link = exchange_over(report.latency_s, report.link_bytes_per_s, count)};
    TROIKA_TRY(Prediction prediction, predict(opened.model, report.request, members, Shares(n, 1)));
    report.groups.push_back({count, std::move(prediction)});
  }
  return write_stdout(options.json ? simulation_json(report) : simulation_text(report));
}

class PlanCommand final : public Command {
 public:
  std::string_view name() const override { return "plan"; }
  std::string_view summary() const override {
    return "Predict a model's memory and speed on devices, and recommend a split";
  }
  std::string_view examples() const override {
    return "  troika plan model.gguf --device cpu:0-3,cpu:4-7 -c 32768 --users 8\n"
           "  troika plan model.gguf --device cpu,cpu --split 3,1 --json\n"
           "  troika plan model.gguf --device cpu,cpu --split auto --measure\n"
           "  troika plan model.gguf --simulate 2,4,8,16 --link-latency-us 5 --link-gbps 1.25\n"
           "  troika plan model.gguf --simulate 2,4,8 --member-gbps 200 --member-tops 20\n"
           "A model that does not fit is refused with exit status 1.\n";
  }
  void declare(CLI::App& app) override {
    add_model_flags(app, options_.model);
    app.add_option("-c,--ctx-size", options_.context,
                   fmt::format("tokens of each user's context; 0: what the model was trained for "
                               "[that, at most {}]",
                               EngineOptions{}.context))
        ->check(between(0, kPlannedTokensMax));
    app.add_option("--users", options_.users, "texts at the same time")
        ->check(between(1, kUsersMax))
        ->capture_default_str();
    app.add_option("--depth", options_.depth,
                   "tokens of the prompt, behind which speeds are predicted")
        ->check(between(1, kDepthMax))
        ->capture_default_str();
    add_speculation_flags(app, options_.speculation);
    add_draft_vocab_flag(app, options_.draft_rows);
    app.add_flag("--measure", options_.measure,
                 "load the model and show what was measured beside what was predicted");
    app.add_option("-r,--repetitions", options_.rounds, "times that --measure measures")
        ->check(between(1, 1000))
        ->capture_default_str();
    declare_simulation(app);
    app.add_flag("--json", options_.json, "print one JSON object");
  }
  Status check() const override {
    if (options_.measure && !options_.simulated.empty())
      return fail(ErrorCode::invalid_argument, "--measure: wanted no --simulate");
    return ok();
  }
  Status run() override { return options_.simulated.empty() ? plan(options_) : simulate(options_); }

 private:
  void declare_simulation(CLI::App& app) {
    const CLI::Range positive(1e-6, 1e9);
    app.add_option("--simulate", options_.simulated,
                   "numbers of equal members to predict, 2 to 64, instead of --device's")
        ->delimiter(',')
        ->check(between(1, kSimulatedMax))
        ->allow_extra_args(false)
        ->type_name("N,...");
    app.add_option("--link-latency-us", options_.link_latency_us,
                   "--simulate: microseconds of a message between two members")
        ->check(CLI::Range(0.0, 1e9))
        ->capture_default_str();
    app.add_option("--link-gbps", options_.link_gbps,
                   "--simulate: gigabytes a second that a member receives; 1.25: a network of 10 "
                   "gigabits")
        ->check(positive)
        ->capture_default_str();
    app.add_option("--member-gbps,--member-bandwidth-gbps", options_.member_gbps,
                   "--simulate: gigabytes a second that a member reads [as measured here]")
        ->check(positive);
    app.add_option("--member-tops", options_.member_tops,
                   "--simulate: tera-operations a second of a member on 8 bits, four times those "
                   "in f32 [as measured here]")
        ->check(positive);
    app.add_option("--member-op-us", options_.member_op_us,
                   "--simulate: microseconds that an op costs beside its work, where nothing is "
                   "measured here")
        ->check(CLI::Range(0.0, 1e6))
        ->capture_default_str();
  }

  PlanOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_plan_command() {
  return std::make_unique<PlanCommand>();
}

}  // namespace troika::cli
