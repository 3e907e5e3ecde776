// A test framework of one page, because no libraries are there for a processor that is not this
// one: cases in a list, expectations that print what they got, and a count.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace troika::arm_test {

/// What the running case found wrong.
class Case {
 public:
  explicit Case(std::string name) : name_(std::move(name)) {}

  /// Notes a failure unless `ok`; prints the first few of a case.
  void expect(bool ok, const std::string& what) {
    if (ok) return;
    if (failures_++ < 3) std::fprintf(stderr, "FAILED: %s: %s\n", name_.c_str(), what.c_str());
  }
  template <class T>
  void expect_same(const std::vector<T>& got, const std::vector<T>& want, const std::string& what) {
    size_t i = 0;
    while (i < want.size() && std::memcmp(&got[i], &want[i], sizeof(T)) == 0) i++;
    expect(i == want.size(), what + ": first difference at " + std::to_string(i) + " of " +
                                 std::to_string(want.size()));
  }
  bool passed() const { return failures_ == 0; }

 private:
  std::string name_;
  int failures_ = 0;
};

/// Runs cases and counts them.
class Suite {
 public:
  template <class Body>
  void run(const std::string& name, Body body) {
    Case test(name);
    body(test);
    (test.passed() ? passed_ : failed_)++;
  }
  int passed() const { return passed_; }
  int failed() const { return failed_; }

 private:
  int passed_ = 0, failed_ = 0;
};

/// Numbers from a seed: the same on every machine. Source: Vigna, SplitMix64.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t bits() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  /// 0 .. end - 1.
  int below(int end) { return static_cast<int>(bits() % static_cast<uint64_t>(end)); }
  /// -1 .. 1, of 24 bits.
  float value() {
    return static_cast<float>(static_cast<int32_t>(bits() >> 39) - (1 << 24)) * 0x1p-24f;
  }
  /// A power of two, 2^low .. 2^high, of either sign.
  float power(int low, int high) {
    const auto exponent = static_cast<uint32_t>(127 + low + below(high - low + 1)) << 23;
    const uint32_t pattern = exponent | static_cast<uint32_t>(below(2)) << 31;
    float y;
    std::memcpy(&y, &pattern, sizeof y);
    return y;
  }

 private:
  uint64_t state_;
};

inline std::vector<float> random_floats(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = random.value();
  return values;
}

}  // namespace troika::arm_test
