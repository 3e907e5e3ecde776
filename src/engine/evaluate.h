// The logits of every position of a given text: what `troika logits` writes and tests compare.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "core/ids.h"
#include "core/result.h"
#include "engine/loaded_model.h"

namespace troika {

/// A row of logits, [vocab], and the position that it belongs to. Rows come in order.
using RowSink = std::function<Status(int64_t position, std::span<const float> logits)>;

struct EvaluateOptions {
  int64_t chunk_tokens = 64;    // computed at a time; changes no bit
  DType kv_dtype = DType::f16;  // one of kv_dtypes()
};

/// Computes all rows of `tokens`, which start a text. `draft_rows`, if given, gets the draft head's
/// row of each position p too: it has read token p and the hidden state of p - 1 (zeros for p = 0)
/// and predicts token p + 1. Errors: invalid_argument — no tokens, an id that the model does not
/// have, no draft head where one is asked for; whatever a sink returns.
Status evaluate(const LoadedModel& model, std::span<const TokenId> tokens,
                const EvaluateOptions& options, const RowSink& rows, const RowSink& draft_rows);

}  // namespace troika
