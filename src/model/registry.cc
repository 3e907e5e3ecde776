#include "model/registry.h"

#include <string_view>
#include <vector>

#include "core/printable.h"
#include "graph/sharding.h"
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

/// A model of the family, with what members of a group must know of its weights.
Result<Model> made(const Family& family, const gguf::File& file, const ModelOptions& options) {
  TROIKA_TRY(Model model, family.make(file, options));
  std::vector<const Graph*> graphs = {&model.trunk};
  if (model.draft) graphs.push_back(&*model.draft);
  assign_sharing(graphs, model.weights);
  return model;
}

}  // namespace

Result<Model> make_model(const gguf::File& file, const ModelOptions& options) {
  TROIKA_TRY(const std::string_view architecture, file.metadata().string("general.architecture"));
  std::string known;
  for (const Family& family : kFamilies) {
    if (family.architecture == architecture) return made(family, file, options);
    known += known.empty() ? "" : ", ";
    known += family.architecture;
  }
  return fail(ErrorCode::unsupported, "{}: architecture \"{}\" is not supported; supported are {}",
              file.name(), printable(architecture), known);
}

}  // namespace troika
