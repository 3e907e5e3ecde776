#include "cli/device_flags.h"

#include <string>
#include <vector>

#include "cli/choice.h"
#include "core/thread_pool.h"
#include "core/topology.h"

namespace troika::cli {
namespace {

void add_processors_flag(CLI::App& app, std::vector<int>& target) {
  const auto check = [](const std::string& text) {
    const Result<std::vector<int>> list = parse_processors(text);
    return list.ok() ? std::string() : std::string(list.error().message());
  };
  const auto take = [&target](const std::string& text) {
    const Result<std::vector<int>> list = parse_processors(text);
    if (list.ok()) target = *list;
  };
  app.add_option_function<std::string>("--cpus,--cpu-range", take,
                                       "processors to run on, a thread to each: 0-3,8")
      ->check(check)
      ->type_name("LIST");
}

constexpr Choice<Isa> kIsas[] = {
    {"portable", Isa::portable}, {"avx2", Isa::avx2}, {"avx512", Isa::avx512}};

}  // namespace

void add_device_flags(CLI::App& app, DeviceOptions& options) {
  const std::vector<std::string> names(device_kinds().begin(), device_kinds().end());
  app.add_option("--device", options.kind,
                 "what computes: the processor, or the slow float64 reference")
      ->check(CLI::IsMember(names))
      ->capture_default_str();
  app.add_option("-t,--threads", options.threads,
                 "threads; 0: one for each core, or for each of --cpus")
      ->check(between(0, ThreadPool::kThreadsMax))
      ->capture_default_str();
  add_processors_flag(app, options.processors);
  app.add_flag("!--no-pin", options.pin, "let the system move threads between processors");
  add_choice<Isa>(app, "--isa", options.isa_max, kIsas, "instruction set at most, for comparisons");
}

}  // namespace troika::cli
