#include "cli/bench_members.h"

#include <algorithm>
#include <numeric>

#include "cli/bench_text.h"
#include "cli/generation.h"

namespace troika::cli {
namespace {

/// A way of computing: the texts' engines and what they took, round by round.
struct Contender {
  std::unique_ptr<Engine> prompts, answers;
  Series prompt, generate;  // tokens a second
};

struct Lengths {
  int64_t prompt = 0;
  int64_t answer = 0;
};

/// Exchanges of what is generated: seconds by number of the exchange, and of all of it.
struct ExchangeTime {
  std::vector<double> seconds;
  double generated_s = 0;
  int64_t tokens = 0;

  double share_percent() const {
    const double all = std::accumulate(seconds.begin(), seconds.end(), 0.0);
    return generated_s > 0 ? 100 * all / generated_s : 0;
  }
};

Result<Contender> contender(const Bench& bench, const LoadedModel& model, const Lengths& lengths) {
  Contender one;
  TROIKA_TRY(one.prompts, make_text_engine(bench, model, lengths.prompt + 1));
  TROIKA_TRY(one.answers, make_text_engine(bench, model, lengths.answer + 2));
  return one;
}

/// Reads the prompt and generates; with `time`, adds what members spend in exchanges meanwhile.
Status run_once(const Bench& bench, const LoadedModel& model, Contender& one,
                const Lengths& lengths, ExchangeTime* time = nullptr) {
  const int64_t vocab = model.model.info.vocab;
  TROIKA_TRY(const TimedText read, time_text(*one.prompts, plain_request(lengths.prompt, 1, vocab),
                                             bench.interrupt(), false));
  one.prompt.values.push_back(per_second(lengths.prompt, read.prompt_ms));
  const std::vector<double> before = model.device->exchange_seconds();
  TROIKA_TRY(const TimedText written,
             time_text(*one.answers, plain_request(1, lengths.answer + 1, vocab), bench.interrupt(),
                       false));
  one.generate.values.push_back(per_second(lengths.answer, written.generate_ms));
  if (time == nullptr) return ok();
  const std::vector<double> after = model.device->exchange_seconds();
  time->seconds.resize(after.size());
  for (size_t i = 0; i < after.size(); i++) time->seconds[i] += after[i] - before[i];
  // The prompt of one token is a step like the others.
  time->generated_s += (written.prompt_ms + written.generate_ms) / 1e3;
  time->tokens += lengths.answer + 1;
  return ok();
}

BenchResult result_of(std::string what, std::string unit, Series series,
                      const std::vector<double>& probes) {
  return {.test = "members",
          .what = std::move(what),
          .unit = std::move(unit),
          .series = std::move(series),
          .probes = probes};
}

Series ratio(const Series& group, const Series& one) {
  Series ratios;
  for (size_t i = 0; i < group.values.size(); i++)
    ratios.values.push_back(group.values[i] / one.values[i]);
  return ratios;
}

Status report_pair(Bench& bench, const std::string& what, const Series& one, const Series& group,
                   const std::vector<double>& probes) {
  TROIKA_RETURN_IF_ERROR(bench.add(result_of(what + ", one device", "tokens/s", one, probes)));
  TROIKA_RETURN_IF_ERROR(bench.add(result_of(what + ", members", "tokens/s", group, probes)));
  return bench.add(result_of(what + ", members/one", "x", ratio(group, one), probes));
}

Status report_exchanges(Bench& bench, const Model& model, const ExchangeTime& time,
                        const std::vector<double>& probes) {
  const auto tokens = static_cast<double>(std::max<int64_t>(time.tokens, 1));
  BenchResult result = result_of("exchanges of tg", "%", {{time.share_percent()}}, probes);
  std::vector<double> by_exchange_us;
  for (const double seconds : time.seconds) by_exchange_us.push_back(1e6 * seconds / tokens);
  const double all_us = std::accumulate(by_exchange_us.begin(), by_exchange_us.end(), 0.0);
  const auto layers = static_cast<double>(model.info.layers);
  result.details = {{"exchanges", time.seconds.size()},
                    {"layers", model.info.layers},
                    {"share_percent_of_layer", time.share_percent() / layers},
                    {"us_of_layer", all_us / layers},
                    {"us_of_token", all_us},
                    {"by_exchange_us", by_exchange_us}};
  TROIKA_RETURN_IF_ERROR(bench.add(std::move(result)));
  return bench.add(result_of("exchanges of a layer", "us", {{all_us / layers}}, probes));
}

}  // namespace

DeviceOptions joined_device(const DeviceOptions& options) {
  DeviceOptions joined = options;
  joined.kind = "cpu";
  joined.shares = {};
  joined.measured_shares = false;
  const auto names = parse_devices(options.kind);
  if (!names.ok()) return joined;
  for (const DeviceName& name : *names)
    joined.processors.insert(joined.processors.end(), name.processors.begin(),
                             name.processors.end());
  joined.threads = options.threads * static_cast<int>(names->size());
  if (joined.processors.empty()) joined.pin = false;  // as members that name none
  return joined;
}

Status measure_members(Bench& bench, const LoadedModel& group) {
  const BenchOptions& options = bench.options();
  const Lengths lengths{options.prompt_tokens.front(), options.generate_tokens.front()};
  TROIKA_TRY(OpenModel opened, open_model(options.model.path, {.draft_head = false}));
  TROIKA_TRY(const auto device, make_device(joined_device(options.model.device)));
  TROIKA_TRY(const LoadedModel model, import_weights(opened, *device, bench.progress()));
  TROIKA_TRY(Contender one, contender(bench, model, lengths));
  TROIKA_TRY(Contender members, contender(bench, group, lengths));
  TROIKA_RETURN_IF_ERROR(run_once(bench, model, one, lengths));  // warm up
  TROIKA_RETURN_IF_ERROR(run_once(bench, group, members, lengths));
  one.prompt = one.generate = members.prompt = members.generate = {};
  ExchangeTime time;
  TROIKA_TRY(const std::vector<double> probes, bench.repeat("measuring members", [&]() -> Status {
    TROIKA_RETURN_IF_ERROR(run_once(bench, model, one, lengths));
    return run_once(bench, group, members, lengths, &time);
  }));
  const std::string prompt = fmt::format("pp {}", lengths.prompt);
  const std::string answer = fmt::format("tg {}", lengths.answer);
  TROIKA_RETURN_IF_ERROR(report_pair(bench, prompt, one.prompt, members.prompt, probes));
  TROIKA_RETURN_IF_ERROR(report_pair(bench, answer, one.generate, members.generate, probes));
  return report_exchanges(bench, group.model, time, probes);
}

}  // namespace troika::cli
