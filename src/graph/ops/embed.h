// Rows of the embedding matrix.
#pragma once

#include "core/result.h"
#include "graph/batch.h"
#include "graph/tensor.h"

namespace troika {

/// y[t] = table[token_ids[t]]
struct Embed {
  Weight table;                // [vocab, hidden]
  Result<Spec> infer() const;  // [tokens, 1, hidden] f32
};

}  // namespace troika
