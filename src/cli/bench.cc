// troika bench: how fast a model runs here, each figure beside what this machine allows at most.

#include <algorithm>
#include <optional>

#include "cli/bench_drafts.h"
#include "cli/bench_fairness.h"
#include "cli/bench_load.h"
#include "cli/bench_members.h"
#include "cli/bench_options.h"
#include "cli/bench_plot.h"
#include "cli/bench_report.h"
#include "cli/bench_steps.h"
#include "cli/bench_text.h"
#include "cli/bench_users.h"
#include "cli/command.h"
#include "cli/token_file.h"
#include "core/output_file.h"
#include "core/text_file.h"

namespace troika::cli {
namespace {

int64_t largest(const std::vector<int64_t>& values) {
  return *std::ranges::max_element(values);
}

/// The most tokens that are held at the same time, over all sequences.
int64_t context_tokens(const BenchOptions& o) {
  int64_t tokens = largest(o.generate_tokens) + 2;
  if (o.wants("pp")) tokens = std::max(tokens, largest(o.prompt_tokens) + 1);
  if (o.wants("depth")) tokens = std::max(tokens, largest(o.depths) + 1);
  if (o.wants("curve")) tokens = std::max(tokens, o.context + largest(o.curve_tokens));
  if (o.wants("batch") || o.wants("engine"))
    tokens = std::max(tokens, largest(o.sequences) * (o.context + kPageTokens));
  if (o.wants("fairness"))
    tokens = std::max(tokens, largest(o.sequences) * 2 * (o.context + o.generate_tokens.front()));
  return tokens;
}

/// Everything but mtp and users runs without the draft head, as a user without drafts would.
Status measure_trunk(Bench& bench, const LoadedModel& model) {
  const BenchOptions& options = bench.options();
  if (options.wants("pp")) TROIKA_RETURN_IF_ERROR(measure_prompts(bench, model));
  if (options.wants("tg")) TROIKA_RETURN_IF_ERROR(measure_generation(bench, model));
  if (options.wants("depth")) TROIKA_RETURN_IF_ERROR(measure_depths(bench, model));
  if (options.wants("curve")) TROIKA_RETURN_IF_ERROR(measure_curve(bench, model));
  if (options.wants("batch")) TROIKA_RETURN_IF_ERROR(measure_batches(bench, model));
  if (options.wants("engine")) TROIKA_RETURN_IF_ERROR(measure_engine(bench, model));
  if (options.wants("fairness")) TROIKA_RETURN_IF_ERROR(measure_fairness(bench, model));
  if (options.wants("members") && !model.device->members().empty())
    TROIKA_RETURN_IF_ERROR(measure_members(bench, model));
  return ok();
}

Result<std::vector<Curve>> read_other_curves(const BenchOptions& options) {
  std::vector<Curve> curves;
  for (const std::string& path : options.plot_with) {
    TROIKA_TRY(const std::string lines, read_text_file(path));
    TROIKA_TRY(const std::vector<Curve> others, parse_curves(lines, path));
    curves.insert(curves.end(), others.begin(), others.end());
  }
  return curves;
}

Status write_plot(const Bench& bench, const std::vector<Curve>& others) {
  const BenchOptions& options = bench.options();
  std::vector<Curve> curves = curves_of(bench.results(), "troika");
  curves.insert(curves.end(), others.begin(), others.end());
  const std::string svg =
      plot_svg(fmt::format("{} on {}", options.model.path, bench.machine().device), curves);
  TROIKA_TRY(OutputFile file, OutputFile::create(options.svg));
  TROIKA_RETURN_IF_ERROR(file.write(std::as_bytes(std::span(svg))));
  return file.commit();
}

/// What else the command line names, read before the long work.
struct BenchInputs {
  std::vector<Curve> other_curves;
  DraftPrompts prompts;
};

Result<BenchInputs> read_inputs(const BenchOptions& options) {
  BenchInputs inputs;
  if (!options.svg.empty()) TROIKA_RETURN_IF_ERROR(OutputFile::check(options.svg));
  TROIKA_TRY(inputs.other_curves, read_other_curves(options));
  if (options.wants("mtp") || options.wants("users")) {
    TROIKA_TRY(inputs.prompts, read_draft_prompts(options));
  }
  return inputs;
}

Status bench(const BenchOptions& options) {
  TROIKA_TRY(const BenchInputs inputs, read_inputs(options));
  const InterruptScope interrupt;
  Progress progress = Progress::on(stderr);
  // Loaded before the probe takes its buffer, which would count as memory of the model.
  std::optional<BenchModel> model;
  TROIKA_TRY(model, load_for_bench(options, false, context_tokens(options), interrupt, progress));
  TROIKA_TRY(MachineProbe probe, MachineProbe::make({.threads = options.model.device.threads,
                                                     .buffer_bytes = options.probe_mib << 20,
                                                     .isa_max = options.model.device.isa_max}));
  Bench bench(options, probe, interrupt, progress);
  TROIKA_RETURN_IF_ERROR(bench.begin(model->device->info().name));
  if (options.wants("load")) TROIKA_RETURN_IF_ERROR(report_load(bench, model->times));
  TROIKA_RETURN_IF_ERROR(measure_trunk(bench, model->loaded));
  if (!options.svg.empty()) TROIKA_RETURN_IF_ERROR(write_plot(bench, inputs.other_curves));
  if (!options.wants("mtp") && !options.wants("users")) return ok();
  const int64_t users = options.wants("users") ? largest(options.sequences) : 1;
  const int64_t context = users * (inputs.prompts.longest + options.answer_tokens + kPageTokens);
  model.reset();  // two models at once might not fit
  TROIKA_TRY(model, load_for_bench(options, true, context, interrupt, progress));
  if (options.wants("mtp"))
    TROIKA_RETURN_IF_ERROR(measure_drafts(bench, model->loaded, inputs.prompts));
  if (options.wants("users"))
    TROIKA_RETURN_IF_ERROR(measure_users(bench, model->loaded, inputs.prompts));
  return ok();
}

class BenchCommand final : public Command {
 public:
  std::string_view name() const override { return "bench"; }
  std::string_view summary() const override {
    return "Measure speeds beside what this machine allows at most";
  }
  std::string_view examples() const override {
    return "  troika bench model.gguf\n"
           "  troika bench model.gguf --tests pp,tg -p 128,512 -n 64 -r 3 -t 4\n"
           "  troika bench model.gguf --tests depth,batch --depths 0,4096,16384 --json > a.jsonl\n"
           "  troika bench model.gguf --tests mtp --prompts models/examples.json\n"
           "  troika bench model.gguf --tests engine,users --sequences 1,2,4,16 --prompts "
           "models/examples.json\n"
           "  troika bench model.gguf --tests curve --svg curve.svg --plot-with a.jsonl\n"
           "  troika bench model.gguf --tests members --device cpu:0,cpu:1\n"
           "The limit is the larger of bytes over measured bandwidth and operations over measured "
           "peak.\n";
  }
  void declare(CLI::App& app) override { add_bench_flags(app, options_); }
  Status check() const override { return check_bench(options_); }
  Status run() override { return bench(options_); }

 private:
  BenchOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_bench_command() {
  return std::make_unique<BenchCommand>();
}

}  // namespace troika::cli
