#include "cli/model_flags.h"

#include "cli/choice.h"
#include "cli/device_flags.h"

namespace troika::cli {
namespace {

constexpr Choice<DType> kKvTypes[] = {
    {"f16", DType::f16}, {"bf16", DType::bf16}, {"q8_0", DType::q8_0}, {"f32", DType::f32}};

}  // namespace

void add_model_flag(CLI::App& app, std::string& path) {
  app.add_option("model,-m,--model", path, "the GGUF file; of a split model, its first part")
      ->required()
      ->type_name("MODEL");
}

void add_kv_type_flag(CLI::App& app, DType& dtype) {
  add_choice<DType>(app, "--kv-type", dtype, kKvTypes,
                    "how attention's keys and values are stored; q8_0 halves their memory");
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
