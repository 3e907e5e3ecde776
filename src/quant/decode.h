// Blocks of any format to float32: the plain version, which every faster one is tested against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/dtype.h"
#include "core/result.h"

namespace troika {

/// Decodes `elements` values of `dtype` to float32, exactly: float32 arithmetic in the order the
/// format defines.
///
/// `dtype_info(dtype).decodes` must be true, `elements` a multiple of the block length, `source`
/// the packed blocks (any alignment), `target` room for `elements`. Infinities and NaN in scales
/// come out as such. Source: block layouts of ggml (ggml-common.h), described in each
/// quant/<format>.cc.
void decode_row(DType dtype, const std::byte* source, float* target, int64_t elements);

/// Whether the scales alone show that all values are finite (of floats: the values themselves).
/// False leaves it to check_finite. Arguments as for decode_row. Cost: a look at each block.
bool surely_finite(DType dtype, const std::byte* source, int64_t elements);

/// Looks for values that are not finite, as a block with an infinite or NaN scale decodes to.
///
/// Arguments as for decode_row; `name` opens the message.
/// Errors: corrupt — names the first such value. Cost: that of surely_finite; a decode of
/// everything where it says no.
Status check_finite(DType dtype, const std::byte* source, int64_t elements, std::string_view name);

}  // namespace troika
