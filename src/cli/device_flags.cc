#include "cli/device_flags.h"

#include <fmt/ranges.h>

#include <string>
#include <string_view>
#include <vector>

#include "cli/choice.h"
#include "cli/streams.h"
#include "core/thread_pool.h"
#include "core/topology.h"

namespace troika::cli {
namespace {

/// What CLI11 wants of a check: nothing, or what is wrong.
template <typename T>
std::string problem_of(const Result<T>& parsed) {
  return parsed.ok() ? std::string() : std::string(parsed.error().message());
}

void add_processors_flag(CLI::App& app, std::vector<int>& target) {
  const auto check = [](const std::string& text) { return problem_of(parse_processors(text)); };
  const auto take = [&target](const std::string& text) {
    const Result<std::vector<int>> list = parse_processors(text);
    if (list.ok()) target = *list;
  };
  app.add_option_function<std::string>("--cpus,--cpu-range", take,
                                       "processors to run on, a thread to each: 0-3,8")
      ->check(check)
      ->type_name("LIST");
}

constexpr std::string_view kMeasured = "auto";

/// "troika: split 5,3: cpu:0 10.2 GB/s, cpu:1 6.1 GB/s".
void tell_split(const MeasuredSplit& split) {
  std::vector<std::string> speeds;
  for (size_t m = 0; m < split.devices.size(); m++)
    speeds.push_back(fmt::format("{} {:.1f} GB/s", split.devices[m], split.bytes_per_s[m] / 1e9));
  write_stderr(
      fmt::format("troika: split {}: {}\n", fmt::join(split.shares, ","), fmt::join(speeds, ", ")));
}

constexpr Choice<Isa> kIsas[] = {
    {"portable", Isa::portable}, {"avx2", Isa::avx2}, {"avx512", Isa::avx512}};

}  // namespace

void add_device_flags(CLI::App& app, DeviceOptions& options) {
  app.add_option(
         "--device", options.kind,
         "what computes, as 'troika devices' lists it: cpu, vulkan (the first GPU), "
         "vulkan:1, vulkan:NAME, or the slow float64 reference; or several that share the "
         "model: cpu:0-3,cpu:4-7, each on its processors, cpu:node0,cpu:node1, each on the cores "
         "beside a memory node, or vulkan:0,cpu; or mpi, the ranks of mpirun")
      ->check([](const std::string& text) { return problem_of(parse_devices(text)); })
      ->type_name("LIST")
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--split,--tensor-split",
         [&options](const std::string& text) {
           options.measured_shares = text == kMeasured;
           if (!options.measured_shares) options.shares = *parse_shares(text);
         },
         "how much of the model each of several devices takes: 3,1, or auto, by their speeds "
         "measured at load; equal parts if not given")
      ->check([](const std::string& text) {
        return text == kMeasured ? std::string() : problem_of(parse_shares(text));
      })
      ->type_name("LIST|auto");
  options.on_split = tell_split;
  app.add_option("--mpi-timeout", options.mpi_timeout_s,
                 "seconds that a rank may give no sign of life before it counts as lost")
      ->check(between(1, 3600))
      ->capture_default_str();
  app.add_flag("--mpi-trust-network", options.mpi_trust_network,
               "let ranks run on hosts that have public addresses");
  app.add_option("-t,--threads", options.threads,
                 "threads; 0: one for each core, or for each of --cpus")
      ->check(between(0, ThreadPool::kThreadsMax))
      ->capture_default_str();
  add_processors_flag(app, options.processors);
  app.add_flag("!--no-pin", options.pin, "let the system move threads between processors");
  add_choice<Isa>(app, "--isa", options.isa_max, kIsas, "instruction set at most, for comparisons");
}

}  // namespace troika::cli
