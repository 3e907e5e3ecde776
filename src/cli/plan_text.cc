#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "cli/plan_report.h"
#include "runtime/memory_check.h"

namespace troika::cli {
namespace {

std::string size_text(int64_t bytes) {
  return bytes_text(static_cast<double>(bytes));
}

double percent(double part, double whole) {
  return whole > 0 ? 100 * part / whole : 0;
}

std::string request_text(const std::string& model, const PlanRequest& request) {
  const EngineOptions& engine = request.engine;
  return fmt::format("{}: context {}, {} user{}, KV {}, chunk {}, up to {} drafts\n", model,
                     engine.context, engine.sequences_max, engine.sequences_max == 1 ? "" : "s",
                     dtype_info(engine.kv_dtype).name, engine.chunk_tokens,
                     engine.draft_tokens_max);
}

/// What a step's time is spent on.
std::string terms_text(const StepTime& time) {
  const double all = time.total_s();
  return fmt::format("memory {:.0f} %, arithmetic {:.0f} %, ops {:.1f} %, exchanges {:.1f} %",
                     percent(time.memory_s, all), percent(time.compute_s, all),
                     percent(time.ops_s, all), percent(time.exchange_s, all));
}

std::string speeds_text(const PlanMembers& members) {
  std::string text = fmt::format("{:<8} {:<16} {:>12} {:>16} {:>10} {:>8}\n", "member", "device",
                                 "GB/s read", "Gop/s quantised", "f32", "us/op");
  for (size_t m = 0; m < members.speeds.size(); m++) {
    const MemberSpeed& speed = members.speeds[m];
    text += fmt::format("{:<8} {:<16} {:>12.2f} {:>16.0f} {:>10.0f} {:>8.2f}\n", m,
                        members.names[m], speed.bytes_per_s / 1e9, speed.int8_per_s / 1e9,
                        speed.f32_per_s / 1e9, speed.op_s * 1e6);
  }
  if (members.speeds.size() > 1)
    text += fmt::format("an exchange of all: {:.2f} us, {:.1f} GB/s\n",
                        members.link.latency_s * 1e6, members.link.bytes_per_s / 1e9);
  return text;
}

std::string memory_text(const Prediction& prediction, const PlanMembers& members) {
  std::string text =
      fmt::format("\n{:<8} {:>6} {:>12} {:>16} {:>12} {:>12} {:>12}\n", "member", "share",
                  "weights", "keys and values", "states", "work", "together");
  int64_t all = 0;
  int64_t there = members.available_bytes;
  for (size_t m = 0; m < prediction.memory.size(); m++) {
    const MemberMemory& memory = prediction.memory[m];
    all += memory.total();
    there += memory.own;
    text += fmt::format("{:<8} {:>6} {:>12} {:>16} {:>12} {:>12} {:>12}\n", m, prediction.shares[m],
                        size_text(memory.weights), size_text(memory.kv), size_text(memory.states),
                        size_text(memory.work), size_text(memory.total()));
  }
  return text + fmt::format("{} of {} that are there\n", size_text(all), size_text(there));
}

std::string rate_row(const std::string& what, const Rate& rate) {
  return fmt::format("{:<18} {:>10.2f} tokens/s  {}\n", what, rate.tokens_per_s,
                     terms_text(rate.time));
}

std::string users_text(int64_t users) {
  return fmt::format("{} user{}", users, users == 1 ? "" : "s");
}

std::string rates_text(const PlanReport& report) {
  const Prediction& p = report.prediction;
  const int64_t users = report.request.engine.sequences_max;
  std::string text = fmt::format("\nbehind {} tokens:\n", report.request.depth);
  text += rate_row("their prompt", p.prompt);
  text += rate_row(users_text(1), p.one_user);
  if (users > 1) text += rate_row(users_text(users), p.all_users);
  if (p.drafts)
    text += fmt::format("{:<18} {:>10.2f} to {:.2f} tokens/s: no draft accepted, all {} accepted\n",
                        "with the head", p.drafts->low_tokens_per_s, p.drafts->high_tokens_per_s,
                        p.drafts->depth);
  if (p.one_user.time.exchanges > 0)
    text += fmt::format("exchanges of a step: {}\n", p.one_user.time.exchanges);
  return text;
}

std::string compared_row(const std::string& what, const std::string& predicted,
                         const std::string& measured, double difference) {
  return fmt::format("{:<18} {:>16} {:>16} {:>+9.1f} %\n", what, predicted, measured, difference);
}

std::string compared_rate(const std::string& what, const Rate& rate, const Series& measured) {
  return compared_row(what, fmt::format("{:.2f} tokens/s", rate.tokens_per_s),
                      fmt::format("{:.2f} tokens/s", measured.median()),
                      percent(rate.tokens_per_s - measured.median(), measured.median()));
}

std::string measured_text(const PlanReport& report) {
  const PlanMeasured& measured = *report.measured;
  const Prediction& p = report.prediction;
  const int64_t users = report.request.engine.sequences_max;
  std::string text =
      fmt::format("\n{:<18} {:>16} {:>16} {:>11}\n", "", "predicted", "measured", "off by");
  text += compared_rate("their prompt", p.prompt, measured.prompt);
  text += compared_rate(users_text(1), p.one_user, measured.one_user);
  if (users > 1) text += compared_rate(users_text(users), p.all_users, measured.all_users);
  for (size_t m = 0; m < measured.memory.size(); m++) {
    const int64_t held = measured.memory[m].total();
    const int64_t predicted = p.memory[m].total();
    text += compared_row(fmt::format("memory of {}", m), size_text(predicted), size_text(held),
                         percent(static_cast<double>(predicted - held), static_cast<double>(held)));
  }
  return text;
}

}  // namespace

std::string plan_text(const PlanReport& report) {
  std::string text = request_text(report.model, report.request) + speeds_text(report.members) +
                     memory_text(report.prediction, report.members) + rates_text(report);
  if (report.recommended.size() > 1)
    text += fmt::format("recommended: --split {} ({:.2f} tokens/s for one user)\n",
                        fmt::join(report.recommended, ","), report.recommended_tokens_per_s);
  if (report.measured) text += measured_text(report);
  return text;
}

std::string simulation_text(const SimulationReport& report) {
  const int64_t users = report.request.engine.sequences_max;
  std::string text = request_text(report.model, report.request);
  text += fmt::format(
      "each member: {:.1f} GB/s, {:.2f} Top/s quantised, {:.2f} f32, {:.1f} us an op; links: "
      "{:.1f} "
      "us, {:.2f} GB/s\n",
      report.member.bytes_per_s / 1e9, report.member.int8_per_s / 1e12,
      report.member.f32_per_s / 1e12, report.member.op_s * 1e6, report.latency_s * 1e6,
      report.link_bytes_per_s / 1e9);
  text += fmt::format("{:>7} {:>8} {:>12} {:>10} {:>8} {:>12} {:>12} {:>8} {:>16}\n", "members",
                      "at work", "memory each", "1 user", "faster", users_text(users), "prompt",
                      "faster", "exchanges' share");
  text += fmt::format("{:>7} {:>8} {:>12} {:>10} {:>8} {:>12} {:>12} {:>8} {:>16}\n", "", "",
                      "at most", "tokens/s", "", "tokens/s", "tokens/s", "", "answer  prompt");
  const Prediction& first = report.groups.front().prediction;
  for (const SimulatedGroup& group : report.groups) {
    const Prediction& p = group.prediction;
    int64_t most = 0;
    for (const MemberMemory& memory : p.memory) most = std::max(most, memory.total());
    text += fmt::format(
        "{:>7} {:>8} {:>12} {:>10.2f} {:>6.2f} x {:>12.2f} {:>12.2f} {:>6.2f} x {:>6.1f} % "
        "{:>5.1f} "
        "%\n",
        group.members, members_at_work(p.shares), size_text(most), p.one_user.tokens_per_s,
        p.one_user.tokens_per_s / first.one_user.tokens_per_s, p.all_users.tokens_per_s,
        p.prompt.tokens_per_s, p.prompt.tokens_per_s / first.prompt.tokens_per_s,
        100 * p.one_user.time.exchange_share(), 100 * p.prompt.time.exchange_share());
  }
  text += "us of a layer, of one user's token:\n";
  for (const SimulatedGroup& group : report.groups) {
    const StepTime& time = group.prediction.one_user.time;
    const double layer = 1e6 / static_cast<double>(report.layers);
    text += fmt::format("{:>7} members: {:>10.1f}, of which {:.1f} in {:.1f} exchanges\n",
                        group.members, time.total_s() * layer, time.exchange_s * layer,
                        static_cast<double>(time.exchanges) / static_cast<double>(report.layers));
  }
  return text;
}

}  // namespace troika::cli
