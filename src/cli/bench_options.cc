#include "cli/bench_options.h"

#include <algorithm>
#include <array>

#include "cli/choice.h"
#include "cli/sampling_flags.h"
#include "cli/session_flags.h"

namespace troika::cli {
namespace {

constexpr std::array<std::string_view, 11> kTests = {
    "load", "pp", "tg", "depth", "curve", "batch", "engine", "fairness", "mtp", "users", "members"};
constexpr int64_t kTokensMax = 1 << 20;
constexpr int64_t kCurveMax = 64;
constexpr int64_t kSequencesMax = 256;
constexpr int64_t kProbeMibMax = 1 << 20;

std::vector<std::string_view> names_in(std::string_view list) {
  std::vector<std::string_view> names;
  while (true) {
    const size_t comma = list.find(',');
    names.push_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return names;
    list.remove_prefix(comma + 1);
  }
}

void add_list(CLI::App& app, const std::string& flag, std::vector<int64_t>& target,
              const std::string& help, int64_t min, int64_t max) {
  app.add_option(flag, target, help)
      ->delimiter(',')
      ->check(between(min, max))
      ->allow_extra_args(false)  // or a list would swallow the model behind it
      ->type_name("N,...")
      ->default_str(fmt::format("{}", fmt::join(target, ",")));
}

void add_count(CLI::App& app, const std::string& flag, int64_t& target, const std::string& help,
               int64_t max) {
  app.add_option(flag, target, help)->check(between(1, max))->capture_default_str();
}

}  // namespace

std::vector<int64_t> ascending(std::vector<int64_t> counts) {
  std::ranges::sort(counts);
  counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
  return counts;
}

bool BenchOptions::wants(std::string_view test) const {
  return tests == "all" || std::ranges::count(names_in(tests), test) > 0;
}

void add_bench_flags(CLI::App& app, BenchOptions& options) {
  add_model_flags(app, options.model);
  app.add_option(
         "--tests", options.tests,
         "what to measure, with commas between, or all: load (and memory), pp (prompt), tg "
         "(one token at a time), depth (tg behind a context), curve (a forward pass of n "
         "tokens), batch (n sequences at once), engine (the same through the engine), "
         "fairness (one user beside a flood of another's), mtp (drafts on against off, by "
         "prompt), users (the same for n users at once), members (--device's group beside one "
         "device of all its cores)")
      ->capture_default_str();
  add_list(app, "-p,--n-prompt", options.prompt_tokens, "pp: tokens of the prompt", 1, kTokensMax);
  add_list(app, "-n,--n-gen", options.generate_tokens, "tg, depth, fairness: tokens to generate", 1,
           kTokensMax);
  add_list(app, "--curve", options.curve_tokens, "curve: tokens of a pass", 1, kCurveMax);
  add_list(app, "--depths", options.depths, "depth: tokens before", 0, kTokensMax);
  add_list(app, "--sequences", options.sequences,
           "batch, engine, fairness, users: sequences at once", 1, kSequencesMax);
  add_count(app, "--context", options.context,
            "curve, batch, engine, fairness: tokens before, in each sequence", kTokensMax);
  add_count(app, "-r,--repetitions", options.repetitions, "times that each is measured", 1000);
  app.add_option("--prompts", options.prompts,
                 "mtp, users: a JSON array of objects with \"class\" and \"user\"")
      ->type_name("FILE");
  add_count(app, "--answer", options.answer_tokens, "mtp, users: tokens of an answer at most",
            kTokensMax);
  add_speculation_flags(app, options.speculation);
  add_draft_vocab_flag(app, options.draft_rows);
  app.add_option("--probe-mib", options.probe_mib,
                 "MiB of the buffer whose reading tells the bandwidth; 0: four times the last "
                 "cache, 256 to 1024")
      ->check(between(0, kProbeMibMax))
      ->capture_default_str();
  app.add_flag("--json", options.json, "print a line of JSON for each result, not a table");
  app.add_option("--svg", options.svg, "plot the curve into this file")->type_name("FILE");
  app.add_option("--plot-with", options.plot_with,
                 "curves to plot beside ours: a file of --json, of this engine or another")
      ->allow_extra_args(false)
      ->type_name("FILE");
}

Status check_bench(const BenchOptions& options) {
  for (const std::string_view name : names_in(options.tests))
    if (options.tests != "all" && std::ranges::count(kTests, name) == 0)
      return fail(ErrorCode::invalid_argument, "--tests: \"{}\" is no test, wanted some of {}",
                  name, fmt::join(kTests, ","));
  if ((options.wants("mtp") || options.wants("users")) && options.prompts.empty())
    return fail(ErrorCode::invalid_argument,
                "--tests: mtp and users answer prompts, wanted a file of them in --prompts");
  const auto devices = parse_devices(options.model.device.kind);
  if (options.tests != "all" && options.wants("members") && devices.ok() && devices->size() < 2)
    return fail(ErrorCode::invalid_argument,
                "--tests: members compares several devices with one, wanted them in --device");
  if (options.svg.empty() && !options.plot_with.empty())
    return fail(ErrorCode::invalid_argument, "--plot-with: wanted the plot's file in --svg");
  if (!options.svg.empty() && !options.wants("curve"))
    return fail(ErrorCode::invalid_argument, "--svg: plots the curve, wanted it in --tests");
  return ok();
}

}  // namespace troika::cli
