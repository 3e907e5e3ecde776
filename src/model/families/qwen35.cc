// qwen35: dense Qwen 3.5 and 3.6: hybrid attention, a SwiGLU in every block. Source: hybrid.h.
#include "model/families/families.h"
#include "model/hybrid.h"

namespace troika {

Result<Model> make_qwen35(const gguf::File& file, const ModelOptions& options) {
  return make_hybrid(file, options, {.architecture = "qwen35", .experts = false});
}

}  // namespace troika
