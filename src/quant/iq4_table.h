// The 16 values that iq4_nl and iq4_xs index: finer near zero, as weights are distributed.
#pragma once

#include <cstdint>

namespace troika::quant {

inline constexpr int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                          1,    13,   25,  38,  53,  69,  89,  113};

}  // namespace troika::quant
