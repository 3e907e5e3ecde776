#include "cli/device_factory.h"

#include <span>
#include <vector>

#include "cli/choice.h"
#include "core/thread_pool.h"
#include "core/topology.h"
#include "device/cpu/cpu_device.h"
#include "device/reference/reference_device.h"

namespace troika::cli {
namespace {

struct Kind {
  std::string_view name;
  Result<std::unique_ptr<Device>> (*make)(const DeviceOptions& options);
};

Result<std::unique_ptr<Device>> make_cpu(const DeviceOptions& options) {
  return make_cpu_device({.threads = options.threads,
                          .processors = options.processors,
                          .pin = options.pin,
                          .isa_max = options.isa_max});
}

Result<std::unique_ptr<Device>> make_reference(const DeviceOptions&) {
  return make_reference_device();
}

constexpr Kind kKinds[] = {
    {"cpu", make_cpu},
    {"reference", make_reference},
};

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
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) names.emplace_back(kind.name);
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

Result<std::unique_ptr<Device>> make_device(const DeviceOptions& options) {
  for (const Kind& kind : kKinds)
    if (kind.name == options.kind) return kind.make(options);
  return fail(ErrorCode::invalid_argument, "device {} is not known", options.kind);
}

}  // namespace troika::cli
