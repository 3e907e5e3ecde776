// Float32 to blocks of the formats that models are commonly written in. For files, not for
// activations: quality before speed.
#pragma once

#include <cstddef>
#include <span>

#include "core/dtype.h"
#include "core/result.h"

namespace troika {

/// Encodes `values` as `dtype`. The same values always give the same bytes; zeros stay exact.
///
/// `dtype_info(dtype).encodes` must be true, `values` a multiple of the block length, `target` room
/// for dtype_bytes(dtype, values.size()) (any alignment). Block formats and f16 take magnitudes up
/// to 65504, the largest half.
/// Errors: invalid_argument — a value is not finite or out of the format's range; the message names
/// its index, and nothing was written.
/// Cost: floats 1 to 3 ns a value, q8_0 5, q4_0 15, K formats 25 (one busy Zen 4 core).
Status encode_row(DType dtype, std::span<const float> values, std::byte* target);

}  // namespace troika
