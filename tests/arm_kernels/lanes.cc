// Each operation of the NEON lanes against the portable ones, bit by bit.
#include <cmath>
#include <limits>

#include "arm_kernels/suites.h"
#include "device/cpu/kernels/lanes_neon.h"
#include "device/cpu/kernels/lanes_portable.h"

namespace troika::arm_test {
namespace {

using Neon = cpu::neon::Lanes;
using Plain = cpu::portable::Lanes;
using Floats = std::vector<float>;

constexpr int kCount = Plain::kCount;

template <class Lanes>
Floats stored(const Lanes& lanes) {
  Floats out(kCount);
  lanes.store(out.data());
  return out;
}

/// Sixteens of ordinary numbers, and one of special ones.
std::vector<Floats> inputs() {
  std::vector<Floats> list;
  for (uint64_t seed = 1; seed < 20; seed++) {
    list.push_back(random_floats(kCount, seed));
    for (float& x : list.back()) x *= 1000.0f;
  }
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  list.push_back({0.0f, -0.0f, 1.0f, -1.0f, 0.5f, 1.5f, 2.5f, -2.5f, kNan, kInfinity, -kInfinity,
                  1e-40f, -1e-40f, 3e38f, -3e38f, 1e-7f});
  return list;
}

/// Operations of two operands, by a functor that takes either kind of lanes.
template <class Function>
void expect_same_results(Case& test, Function function) {
  const std::vector<Floats> list = inputs();
  for (size_t i = 0; i < list.size(); i++) {
    const float* a = list[i].data();
    const float* b = list[(i + 1) % list.size()].data();
    test.expect_same(stored(function(Neon::load(a), Neon::load(b))),
                     stored(function(Plain::load(a), Plain::load(b))),
                     "input " + std::to_string(i));
  }
}

void test_arithmetic(Suite& suite) {
  const auto run = [&](const char* name, auto function) {
    suite.run(std::string("lanes ") + name,
              [&](Case& test) { expect_same_results(test, function); });
  };
  run("add", [](auto a, auto b) { return a + b; });
  run("subtract", [](auto a, auto b) { return a - b; });
  run("multiply", [](auto a, auto b) { return a * b; });
  run("divide", [](auto a, auto b) { return a / b; });
  run("max", [](auto a, auto b) { return a.max(a, b); });
  run("min", [](auto a, auto b) { return a.min(a, b); });
  run("swap_pairs", [](auto a, auto) { return a.swap_pairs(); });
  run("sum", [](auto a, auto) { return a.all(a.first(8, a * a).sum()); });
  run("largest", [](auto a, auto b) { return a.all(a.max(a, b).largest()); });
  for (int count = 0; count <= kCount; count++)
    run("first", [count](auto a, auto b) { return a.first(count, b); });
  suite.run("lanes fma", [](Case& test) {
    for (const Floats& x : inputs()) {
      Floats want(kCount);
      for (size_t i = 0; i < want.size(); i++) want[i] = std::fma(x[i], x[(i + 5) % 16], x[15 - i]);
      Floats y(kCount), z(kCount);
      for (size_t i = 0; i < y.size(); i++) y[i] = x[(i + 5) % 16], z[i] = x[15 - i];
      const auto got =
          stored(Neon::fma(Neon::load(x.data()), Neon::load(y.data()), Neon::load(z.data())));
      for (size_t i = 0; i < want.size(); i++)
        test.expect(std::isnan(want[i]) ? std::isnan(got[i]) : got[i] == want[i], "fma");
    }
  });
}

void test_steps(Suite& suite) {
  suite.run("lanes round", [](Case& test) {
    for (float x = -9.75f; x < 10; x += 0.25f)
      test.expect(stored(Neon::round(Neon::all(x)))[3] == std::nearbyint(x), std::to_string(x));
  });
  suite.run("lanes scale", [](Case& test) {
    for (int n = -200; n <= 200; n++) {
      const auto power = static_cast<float>(n);
      test.expect_same(stored(Neon::scale(Neon::all(1.25f), Neon::all(power))),
                       stored(Plain::scale(Plain::all(1.25f), Plain::all(power))),
                       std::to_string(n));
    }
  });
  suite.run("lanes root", [](Case& test) {
    for (float x : {0.0f, 1e-40f, 0.5f, 2.0f, 3e38f})
      test.expect(Neon::root(x) == std::sqrt(x), std::to_string(x));
  });
}

void test_memory(Suite& suite) {
  suite.run("lanes floats in part", [](Case& test) {
    const Floats x = random_floats(kCount, 3);
    for (int count = 0; count <= kCount; count++) {
      // Memory of exactly `count`: a sanitizer or a checking machine sees what is read beyond.
      const Floats part(x.begin(), x.begin() + count);
      test.expect_same(stored(Neon::load_first(part.data(), count)),
                       stored(Plain::load_first(part.data(), count)), "load");
      Floats got(kCount, -1.0f), want(kCount, -1.0f);
      Neon::load(x.data()).store_first(got.data(), count);
      Plain::load(x.data()).store_first(want.data(), count);
      test.expect_same(got, want, "store");
    }
  });
  suite.run("lanes halves", [](Case& test) {
    for (int first = 0; first < 0x10000; first += kCount) {
      if ((first & 0x7c00) == 0x7c00) continue;  // infinite or not a number
      uint16_t halves[kCount];
      for (int i = 0; i < kCount; i++) halves[i] = static_cast<uint16_t>(first + i);
      const Floats got = stored(Neon::load(halves));
      test.expect_same(got, stored(Plain::load(halves)), "load " + std::to_string(first));
      for (int count : {1, kCount}) {
        std::vector<uint16_t> back(kCount, 7), want(kCount, 7);
        Neon::load(halves).store_first(back.data(), count);
        Plain::load(halves).store_first(want.data(), count);
        test.expect_same(back, want, "store " + std::to_string(first));
      }
    }
  });
  suite.run("lanes bfloat16", [](Case& test) {
    for (const Floats& x : inputs())
      for (int count : {1, 7, kCount}) {
        std::vector<cpu::Bf16> got(kCount), want(kCount);
        Neon::load(x.data()).store_first(got.data(), count);
        Plain::load(x.data()).store_first(want.data(), count);
        test.expect_same(got, want, "store");
        test.expect_same(stored(Neon::load_first(want.data(), count)),
                         stored(Plain::load_first(want.data(), count)), "load");
      }
  });
  suite.run("lanes bytes", [](Case& test) {
    for (int first = -128; first < 128; first += kCount) {
      std::vector<int8_t> x(kCount), back(kCount, 1), want(kCount, 1);
      for (int i = 0; i < kCount; i++) x[static_cast<size_t>(i)] = static_cast<int8_t>(first + i);
      test.expect_same(stored(Neon::load(x.data())), stored(Plain::load(x.data())), "load");
      for (int count : {5, kCount}) {
        Neon::load(x.data()).store_first(back.data(), count);
        Plain::load(x.data()).store_first(want.data(), count);
        test.expect_same(back, want, "store");
      }
    }
  });
  suite.run("lanes round to halves", [](Case& test) {
    for (uint64_t seed = 1; seed < 200; seed++) {
      Floats x = random_floats(kCount, seed);
      for (float& value : x) value *= 70000.0f / static_cast<float>(seed * seed * seed);
      std::vector<uint16_t> got(kCount), want(kCount);
      Neon::load(x.data()).store_first(got.data(), kCount);
      Plain::load(x.data()).store_first(want.data(), kCount);
      test.expect_same(got, want, std::to_string(seed));
    }
  });
}

}  // namespace

void test_lanes(Suite& suite) {
  test_arithmetic(suite);
  test_steps(suite);
  test_memory(suite);
}

}  // namespace troika::arm_test
