// llama: Llama 2, 3 and their many relatives: rope on adjacent pairs (the converter permutes the
// rows of q and k), and Llama 3's frequency factors as a tensor of the file. Sources: arXiv
// 2302.13971, 2407.21783.
#include "model/dense.h"
#include "model/families/families.h"

namespace troika {

Result<Model> make_llama(const gguf::File& file, const ModelOptions& options) {
  return make_dense(file,
                    {.architecture = "llama",
                     .rope_pairs = RopePairs::adjacent,
                     .head_norms = false,
                     .experts = DenseExperts::if_counted},
                    options);
}

}  // namespace troika
