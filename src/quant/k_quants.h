// The encoding that q4_k and q5_k share; they differ in where the bits of q go.
#pragma once

#include <cstdint>
#include <span>

#include "quant/lanes4.h"

namespace troika::quant {

struct KQuants {
  uint16_t d = 0, dmin = 0;  // halves
  uint8_t scales[12] = {};   // as in the block (quant/k_scales.h)
  int8_t q[256] = {};        // 0 ... levels
};

/// Encodes the 256 values of `x`, y = (d scale) q - (dmin min) for each group of 32.
KQuants quantise_k(std::span<const Float4> x, int levels);

}  // namespace troika::quant
