#include "device/cpu/kernels/argmax.h"

#include <gtest/gtest.h>

#include <cmath>

#include "device/cpu/kernels/kernels_under_test.h"

namespace troika::cpu {
namespace {

int64_t argmax(const ArgmaxKernels& kernels, const std::vector<float>& x) {
  const float largest = kernels.largest(x.data(), std::ssize(x));
  return kernels.find(x.data(), std::ssize(x), largest);
}

TEST(ArgmaxTest, EveryPlaceIsFoundAndTheLowestOfEquals) {
  for (const KernelTable& table : kernels_under_test())
    for (const size_t count : {1, 5, 16, 17, 33, 100})
      for (size_t place = 0; place < count; place++) {
        std::vector<float> x(count, -3);
        x[place] = -1;
        EXPECT_EQ(argmax(table.argmax, x), static_cast<int64_t>(place));
        x.back() = -1;
        EXPECT_EQ(argmax(table.argmax, x), static_cast<int64_t>(place));
      }
}

TEST(ArgmaxTest, WhatIsNotANumberIsPassedOver) {
  for (const KernelTable& table : kernels_under_test()) {
    EXPECT_EQ(argmax(table.argmax, {NAN, 1, NAN, 2, NAN}), 3);
    EXPECT_EQ(argmax(table.argmax, {NAN, NAN}), 0);
    EXPECT_EQ(argmax(table.argmax, {NAN, -INFINITY, -INFINITY}), 1);
  }
}

}  // namespace
}  // namespace troika::cpu
