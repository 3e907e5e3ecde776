#include "cli/engine_flags.h"

#include "cli/choice.h"
#include "cli/streams.h"

namespace troika::cli {
namespace {

constexpr int64_t kMebibytesMax = int64_t{1} << 30;
constexpr int64_t kParallelMax = 4096;
constexpr int64_t kCheckpointsMax = 1 << 16;
constexpr int64_t kIntervalMax = 1 << 24;

/// Adds a number of MiB, kept in bytes.
void add_mebibytes(CLI::App& app, const std::string& flag, int64_t& bytes,
                   const std::string& help) {
  app.add_option_function<int64_t>(
         flag, [&bytes](int64_t mebibytes) { bytes = mebibytes << 20; }, help)
      ->check(between(0, kMebibytesMax))
      ->type_name("MIB")
      ->default_str(fmt::format("{}", bytes >> 20));
}

}  // namespace

void add_cache_flags(CLI::App& app, CacheBudget& budget) {
  app.add_flag(
      "--cache-prompt,!--no-cache-prompt,--enable-prefix-caching,!--no-enable-prefix-caching",
      budget.on,
      fmt::format("keep what was computed of texts for those that begin alike; changes no bit [{}]",
                  budget.on ? "on" : "off"));
  add_mebibytes(app, "--cache-ram", budget.bytes,
                "keys and values that are kept of earlier texts, beside those of texts at work");
  app.add_option("--ctx-checkpoints,--swa-checkpoints", budget.checkpoints,
                 "states that are kept of earlier texts, for models that go on at such places "
                 "only: those with recurrent layers or a draft head")
      ->check(between(0, kCheckpointsMax))
      ->capture_default_str();
  app.add_option("--checkpoint-every-n-tokens", budget.interval_tokens,
                 "tokens between such states inside a long prompt")
      ->check(between(1, kIntervalMax))
      ->capture_default_str();
}

void add_disk_cache_flags(CLI::App& app, CacheBudget& budget) {
  budget.on_disk_warning = [](const std::string& line) { write_stderr("note: " + line + "\n"); };
  app.add_option("--cache-disk", budget.disk_folder,
                 "a folder for what the cache drops to make room; its files go with this process")
      ->type_name("FOLDER");
  add_mebibytes(app, "--cache-disk-mib", budget.disk_bytes, "of such files, at most");
}

void add_parallel_flag(CLI::App& app, int64_t& sequences, const std::string& automatic) {
  app.add_option("--parallel,--np,--max-num-seqs", sequences,
                 "texts that are written at the same time")
      ->check(between(1, kParallelMax))
      ->default_str(sequences > 0 ? fmt::format("{}", sequences) : automatic);
}

void add_sharing_flags(CLI::App& app, SharingOptions& options) {
  add_mebibytes(app, "--kv-cache-mib", options.kv_bytes,
                "keys and values that texts at work share, who wait for each other where it is "
                "used up; 0: what all of them can fill");
  add_mebibytes(app, "--spill-mib", options.spill_bytes,
                "memory for what was computed of texts that are set aside where keys and values "
                "run out; 0: it is computed again");
  app.add_option("--step-ms-max", options.step_ms_max,
                 "milliseconds that a step should take while texts are written: prompts are read "
                 "in smaller portions; 0: --chunk alone decides")
      ->check(CLI::NonNegativeNumber)
      ->type_name("MS")
      ->capture_default_str();
}

}  // namespace troika::cli
