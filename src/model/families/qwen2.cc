// qwen2: Qwen 2 and 2.5: rope on halves, biases on q, k and v. Source: arXiv 2407.10671.
#include "model/dense.h"
#include "model/families/families.h"

namespace troika {

Result<Model> make_qwen2(const gguf::File& file, const ModelOptions& options) {
  return make_dense(file,
                    {.architecture = "qwen2", .rope_pairs = RopePairs::halves, .head_norms = false},
                    options);
}

}  // namespace troika
