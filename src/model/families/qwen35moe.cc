// qwen35moe: Qwen 3.5 and 3.6 with experts: the hybrid, and in every block, the draft head's too, a
// mixture of experts beside a shared one. Source: hybrid.h.
#include "model/families/families.h"
#include "model/hybrid.h"

namespace troika {

Result<Model> make_qwen35moe(const gguf::File& file, const ModelOptions& options) {
  return make_hybrid(file, options, {.architecture = "qwen35moe", .experts = true});
}

}  // namespace troika
