// The kernels over rows of floats (norms, rotations, gates, largest) in NEON against the portable
// ones. Those round products and sums apart, so sums are compared within a few roundings.
#include <cmath>

#include "arm_kernels/suites.h"
#include "device/cpu/kernels/argmax.h"
#include "device/cpu/kernels/elementwise.h"
#include "device/cpu/kernels/norm.h"
#include "device/cpu/kernels/rope.h"

namespace troika::arm_test {
namespace {

using Floats = std::vector<float>;

/// Widths around the 16 lanes.
constexpr int64_t kWidths[] = {1, 2, 15, 16, 17, 31, 64, 100, 129};

void expect_near(Case& test, const Floats& got, const Floats& want, const std::string& what) {
  for (size_t i = 0; i < want.size(); i++)
    test.expect(std::fabs(got[i] - want[i]) <= 2e-6f * (1.0f + std::fabs(want[i])),
                what + ", " + std::to_string(i));
}

/// Runs `kernel(table, y)` for the tables of NEON and of plain C++; y is a little longer than what
/// is to be written, so that writing beyond shows.
template <class Kernels, class Call>
void compare(Case& test, const Kernels& neon, const Kernels& portable, int64_t count, Call call) {
  Floats got(static_cast<size_t>(count) + 3, -7.0f), want = got;
  call(neon, got.data());
  call(portable, want.data());
  expect_near(test, got, want, std::to_string(count) + " values");
}

void test_norm(Suite& suite) {
  const auto neon = cpu::neon_norm_kernels(), portable = cpu::portable_norm_kernels();
  suite.run("norm", [&](Case& test) {
    for (int64_t width : kWidths) {
      const Floats x = random_floats(3 * width, 1), weight = random_floats(width, 2);
      compare(test, neon, portable, 3 * width, [&](const cpu::NormKernels& kernels, float* y) {
        kernels.rms_norm({x.data(), weight.data(), y, 3, width, 1e-5f});
      });
      compare(test, neon, portable, 3 * width, [&](const cpu::NormKernels& kernels, float* y) {
        kernels.l2_norm({x.data(), y, 3, width, 1e-5f, 0.5f});
      });
    }
  });
}

void test_rope(Suite& suite) {
  const auto neon = cpu::neon_rope_kernels(), portable = cpu::portable_rope_kernels();
  suite.run("rope", [&](Case& test) {
    constexpr int64_t kWidth = 96, kUnits = 3;
    const Floats x = random_floats(kUnits * kWidth, 3);
    const Floats cosine = random_floats(kWidth, 4), sine = random_floats(kWidth, 5);
    for (int64_t dims : {2, 16, 34, 64, 96})
      for (bool halves : {false, true})
        compare(test, neon, portable, kUnits * kWidth,
                [&](const cpu::RopeKernels& kernels, float* y) {
                  (halves ? kernels.rotate_halves : kernels.rotate_adjacent)(
                      {x.data(), y, cosine.data(), sine.data(), kUnits, kWidth, dims});
                });
  });
}

void test_elementwise(Suite& suite) {
  const auto neon = cpu::neon_elementwise_kernels(), portable = cpu::portable_elementwise_kernels();
  suite.run("elementwise", [&](Case& test) {
    for (int64_t count : kWidths) {
      Floats a = random_floats(count, 6), b = random_floats(count, 7);
      for (float& x : b) x *= 90.0f;
      const auto run = [&](auto call) { compare(test, neon, portable, count, call); };
      using Kernels = cpu::ElementwiseKernels;
      run([&](const Kernels& k, float* y) { k.add(a.data(), b.data(), y, count); });
      run([&](const Kernels& k, float* y) { k.gate_sigmoid(a.data(), b.data(), y, count); });
      run([&](const Kernels& k, float* y) { k.gate_silu(a.data(), b.data(), y, count); });
      run([&](const Kernels& k, float* y) { k.scale_sigmoid(a.data(), b[0], y, count); });
      run([&](const Kernels& k, float* y) { k.scale_silu(a.data(), b[0], y, count); });
      Floats beta(static_cast<size_t>(count));
      run([&](const Kernels& k, float* y) {
        k.delta_gates({a.data(), b.data(), a.data(), b.data(), y, beta.data(), count});
      });
      run([&](const Kernels& k, float* y) {
        Floats decay(static_cast<size_t>(count));
        k.delta_gates({a.data(), b.data(), a.data(), b.data(), decay.data(), y, count});
      });
    }
  });
}

void test_argmax(Suite& suite) {
  const auto neon = cpu::neon_argmax_kernels(), portable = cpu::portable_argmax_kernels();
  suite.run("argmax", [&](Case& test) {
    for (int64_t count : kWidths) {
      Floats x = random_floats(count, 8);
      x[static_cast<size_t>(count / 2)] = x.back() = 2.0f;  // a tie: the lowest wins
      const float largest = neon.largest(x.data(), count);
      test.expect(largest == portable.largest(x.data(), count), std::to_string(count));
      test.expect(neon.find(x.data(), count, largest) == portable.find(x.data(), count, largest),
                  "place, " + std::to_string(count));
    }
  });
}

}  // namespace

void test_rows(Suite& suite) {
  test_norm(suite);
  test_rope(suite);
  test_elementwise(suite);
  test_argmax(suite);
}

}  // namespace troika::arm_test
