// bfloat16 in memory: the upper half of a float32. A type of its own, so that loads and stores of
// lanes tell it from float16, which is a uint16_t.
#pragma once

#include <cstdint>

namespace troika::cpu {

struct Bf16 {
  uint16_t bits;
};

}  // namespace troika::cpu
