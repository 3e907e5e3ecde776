#include "model/registry.h"

#include <string_view>

#include "core/printable.h"
#include "model/families/families.h"

namespace troika {
namespace {

struct Family {
  std::string_view architecture;
  Result<Model> (*make)(const gguf::File& file, const ModelOptions& options);
};

constexpr Family kFamilies[] = {
    {"llama", make_llama},       {"qwen2", make_qwen2},   {"qwen3", make_qwen3},
    {"qwen3moe", make_qwen3moe}, {"qwen35", make_qwen35}, {"qwen35moe", make_qwen35moe},
};

}  // namespace

Result<Model> make_model(const gguf::File& file, const ModelOptions& options) {
  TROIKA_TRY(const std::string_view architecture, file.metadata().string("general.architecture"));
  std::string known;
  for (const Family& family : kFamilies) {
    if (family.architecture == architecture) return family.make(file, options);
    known += known.empty() ? "" : ", ";
    known += family.architecture;
  }
  return fail(ErrorCode::unsupported, "{}: architecture \"{}\" is not supported; supported are {}",
              file.name(), printable(architecture), known);
}

}  // namespace troika
