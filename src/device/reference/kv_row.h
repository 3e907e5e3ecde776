// A row of keys or values of one head of one token, as a state stores it. The formats:
// graph/state.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/dtype.h"

namespace troika::reference {

/// Stores `count` numbers as `dtype`, one of kv_dtypes(); `count` is a multiple of its block. Every
/// number is rounded to float32 first.
void store_kv_row(DType dtype, const double* from, int64_t count, std::byte* row);

/// Number `i` of a stored row.
double load_kv(DType dtype, const std::byte* row, int64_t i);

}  // namespace troika::reference
