// The hybrid transformer: three layers of gated delta rule to one of gated full attention, and a
// draft head (MTP) that is one more block of the latter kind. Sources: arXiv 2412.06464 (gated
// delta networks), 2412.19437 (multi-token prediction); layout of the converter's files: value
// heads in tiled order (value head h belongs to key head h mod key heads), q and its gate
// interleaved per head.
#pragma once

#include "core/result.h"
#include "gguf/file.h"
#include "model/model.h"

namespace troika {

struct HybridVariant {
  const char* architecture;  // prefix of the file's keys
  bool experts;              // Qwen's in every block, a shared one included; else a SwiGLU
};

/// Makes a model of the variant. Errors: see make_model().
Result<Model> make_hybrid(const gguf::File& file, const ModelOptions& options,
                          const HybridVariant& variant);

}  // namespace troika
