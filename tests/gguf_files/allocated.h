// Counts what this test program allocates: allocated.cc replaces operator new.
#pragma once

#include <cstdint>

namespace troika::testing {

/// Bytes asked of operator new since the program began, freed or not.
int64_t allocated_bytes();

}  // namespace troika::testing
