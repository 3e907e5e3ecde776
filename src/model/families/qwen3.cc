// qwen3: dense Qwen 3: rope on halves, each query and key head normalised before it. Source: arXiv
// 2505.09388.
#include "model/dense.h"
#include "model/families/families.h"

namespace troika {

Result<Model> make_qwen3(const gguf::File& file, const ModelOptions& options) {
  return make_dense(file,
                    {.architecture = "qwen3", .rope_pairs = RopePairs::halves, .head_norms = true},
                    options);
}

}  // namespace troika
