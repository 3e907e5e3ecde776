#include "cli/model_flags.h"

#include "cli/choice.h"
#include "cli/device_flags.h"

namespace troika::cli {

void add_model_flag(CLI::App& app, std::string& path) {
  app.add_option("model,-m,--model", path, "the GGUF file; of a split model, its first part")
      ->required()
      ->type_name("MODEL");
}

void add_kv_type_flag(CLI::App& app, DType& dtype) {
  std::vector<std::string> names;
  for (const DType type : kv_dtypes()) names.emplace_back(dtype_info(type).name);
  const auto take = [&dtype](const std::string& name) {
    if (const Result<DType> named = kv_dtype_named(name); named.ok()) dtype = *named;
  };
  app.add_option_function<std::string>(
         "--kv-type", take, "how attention's keys and values are stored; q8_0 halves their memory")
      ->check(CLI::IsMember(names))
      ->default_str(std::string(dtype_info(dtype).name));
}

void add_model_flags(CLI::App& app, ModelSetup& flags) {
  add_model_flag(app, flags.path);
  add_device_flags(app, flags.device);
  add_kv_type_flag(app, flags.kv_dtype);
  app.add_option("--chunk,-b,--batch-size", flags.chunk_tokens,
                 "tokens of the prompt in one step; changes no bit of the answer")
      ->check(between(1, INT32_MAX))  // the engine's own bound is lower; sums must not overflow
      ->capture_default_str();
}

}  // namespace troika::cli
