// troika bench: how fast a model runs here, and what one forward pass of several tokens costs: what
// drafts live on.

#include <array>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/choice.h"
#include "cli/command.h"
#include "cli/generation.h"
#include "cli/measurement.h"
#include "cli/model_session.h"
#include "cli/streams.h"
#include "core/progress.h"

namespace troika::cli {
namespace {

constexpr std::array<int64_t, 6> kForwardTokens = {1, 2, 3, 4, 5, 8};
constexpr int64_t kTokensMax = 1 << 20;

struct BenchOptions {
  ModelFlags model;
  int64_t prompt_tokens = MeasureOptions{}.prompt_tokens;
  int64_t generate_tokens = MeasureOptions{}.generate_tokens;
  int64_t repetitions = MeasureOptions{}.repetitions;
  bool json = false;
};

struct BenchReport {
  std::string model;   // path
  std::string device;  // name
  double load_ms = 0;
  MemoryPlan memory;
  TextSpeed text;
  std::vector<ForwardCost> forwards;
};

double ratio_to_one(const BenchReport& report, const ForwardCost& cost) {
  const double one = report.forwards.front().ms.median();
  return one > 0 ? cost.ms.median() / one : 0;
}

std::string report_text(const BenchReport& report, const BenchOptions& options) {
  std::string text;
  const auto row = [&text](const std::string& name, const Series& series, std::string_view unit) {
    text += fmt::format("{:<24} {:>10.3f} {:<10} spread {:>5.1f} %", name, series.median(), unit,
                        series.spread_percent());
  };
  text +=
      fmt::format("{} on {}; medians of {}\n", report.model, report.device, options.repetitions);
  text += fmt::format("{:<24} {:>10.1f} ms\n", "load", report.load_ms);
  text += fmt::format("{:<24} {} (weights {})\n", "memory",
                      bytes_text(static_cast<double>(report.memory.total())),
                      bytes_text(static_cast<double>(report.memory.weights.total())));
  row(fmt::format("prompt of {}", options.prompt_tokens), report.text.prompt_per_s, "tokens/s");
  text += "\n";
  row(fmt::format("generation of {}", options.generate_tokens), report.text.generate_per_s,
      "tokens/s");
  text += "\n";
  for (const ForwardCost& cost : report.forwards) {
    row(fmt::format("forward of {}", cost.tokens), cost.ms, "ms");
    text += fmt::format("  {:.2f} x one token\n", ratio_to_one(report, cost));
  }
  return text;
}

std::string report_json(const BenchReport& report, const BenchOptions& options) {
  using Json = nlohmann::ordered_json;
  const auto series = [](const Series& s) {
    return Json{{"median", s.median()},
                {"min", s.min()},
                {"max", s.max()},
                {"spread_percent", s.spread_percent()}};
  };
  Json forwards = Json::array();
  for (const ForwardCost& cost : report.forwards)
    forwards.push_back({{"tokens", cost.tokens},
                        {"ms", series(cost.ms)},
                        {"ratio_to_one", ratio_to_one(report, cost)}});
  const Json object = {{"model", report.model},
                       {"device", report.device},
                       {"repetitions", options.repetitions},
                       {"load_ms", report.load_ms},
                       {"memory",
                        {{"weights_bytes", report.memory.weights.total()},
                         {"kv_bytes", report.memory.kv.total()},
                         {"total_bytes", report.memory.total()}}},
                       {"prompt_tokens", options.prompt_tokens},
                       {"prompt_tokens_per_s", series(report.text.prompt_per_s)},
                       {"generate_tokens", options.generate_tokens},
                       {"generate_tokens_per_s", series(report.text.generate_per_s)},
                       {"forward", forwards}};
  return object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Status bench(const BenchOptions& options) {
  const double start_ms = clock_ms();
  TROIKA_TRY(OpenModel opened, open_model(options.model.path, {.draft_head = false}));
  TROIKA_TRY(const std::unique_ptr<Device> device, make_device(options.model.device));
  const ContextSize size{
      .tokens = options.prompt_tokens + options.generate_tokens + kForwardTokens.back(),
      .chunk_tokens = options.model.chunk_tokens,
      .draft_tokens_max = kForwardTokens.back() - 1,
      .kv_dtype = options.model.kv_dtype};
  BenchReport report{.model = options.model.path, .device = device->info().name};
  report.memory = plan_context(opened.model, size);
  Progress progress = Progress::on(stderr);
  TROIKA_TRY(const LoadedModel model, load_weights(opened, *device, size, progress));
  report.load_ms = clock_ms() - start_ms;
  const MeasureOptions measure{.prompt_tokens = options.prompt_tokens,
                               .generate_tokens = options.generate_tokens,
                               .repetitions = options.repetitions,
                               .chunk_tokens = options.model.chunk_tokens,
                               .kv_dtype = options.model.kv_dtype};
  TROIKA_TRY(report.text, measure_text(model, measure));
  TROIKA_TRY(report.forwards, measure_forwards(model, measure, kForwardTokens));
  return write_stdout(options.json ? report_json(report, options) : report_text(report, options));
}

class BenchCommand final : public Command {
 public:
  std::string_view name() const override { return "bench"; }
  std::string_view summary() const override {
    return "Measure speeds, and what a forward pass of several tokens costs";
  }
  std::string_view examples() const override {
    return "  troika bench model.gguf\n"
           "  troika bench model.gguf -p 256 -n 32 -r 3 -t 4\n"
           "  troika bench model.gguf --json > speed.json\n";
  }
  void declare(CLI::App& app) override {
    add_model_flags(app, options_.model);
    add_count(app, "-p,--n-prompt", options_.prompt_tokens, "tokens of the prompt", kTokensMax);
    add_count(app, "-n,--n-gen", options_.generate_tokens, "tokens to generate", kTokensMax);
    add_count(app, "-r,--repetitions", options_.repetitions, "times that each is measured", 1000);
    app.add_flag("--json", options_.json, "print one JSON object");
  }
  Status run() override { return bench(options_); }

 private:
  static void add_count(CLI::App& app, const std::string& flag, int64_t& target,
                        const std::string& help, int64_t max) {
    app.add_option(flag, target, help)->check(between(1, max))->capture_default_str();
  }
  BenchOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_bench_command() {
  return std::make_unique<BenchCommand>();
}

}  // namespace troika::cli
