// qwen3moe: Qwen 3 with a mixture of experts in every block. Source: arXiv 2505.09388.
#include "model/dense.h"
#include "model/families/families.h"

namespace troika {

Result<Model> make_qwen3moe(const gguf::File& file, const ModelOptions& options) {
  return make_dense(file,
                    {.architecture = "qwen3moe",
                     .rope_pairs = RopePairs::halves,
                     .head_norms = true,
                     .experts = DenseExperts::qwen},
                    options);
}

}  // namespace troika
