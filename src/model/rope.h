// The rope of a file: its scaling keys folded into one frequency per pair.
#pragma once

#include "core/result.h"
#include "graph/ops/rope.h"
#include "model/keys.h"

namespace troika {

/// Reads base, scaling (none, linear, yarn) and the optional tensor rope_freqs.weight (Llama 3
/// factors). `dims` elements of each head turn. Sources: arXiv 2104.09864, 2309.00071 (YaRN).
/// Errors: unsupported — another kind of scaling; corrupt — factors that are not positive or
/// ill-shaped.
Result<RopeOptions> read_rope(const Keys& keys, int64_t dims, RopePairs pairs);

}  // namespace troika
