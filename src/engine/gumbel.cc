#include "engine/gumbel.h"

#include <bit>
#include <cmath>

namespace troika {
namespace {

constexpr uint64_t kOddStep = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio, made odd

// A bijection of 64 bits in which every input bit reaches every output bit. Source: the finaliser
// of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014;
// constants: D. Stafford's variant 13).
uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// Each word moves on by an odd step before it is mixed, so that zeros do not stay zero.
uint64_t absorb(uint64_t state, uint64_t word) {
  return mix(state + kOddStep * (word + 1));
}

}  // namespace

uint64_t gumbel_key(uint64_t seed, int32_t choice, int64_t position) {
  const uint64_t state = absorb(mix(seed + kOddStep), static_cast<uint32_t>(choice));
  return absorb(state, static_cast<uint64_t>(position));
}

uint64_t gumbel_stream(uint64_t key, uint32_t stream) {
  return absorb(key, (uint64_t{1} << 32) + stream);  // ids have 32 bits
}

double gumbel_uniform(uint64_t key, TokenId id) {
  const uint64_t bits = absorb(key, static_cast<uint32_t>(id)) >> 12;
  // 52 bits and a half are 53 bits: exact in a double. With 53 bits the largest would round to 1.
  return (static_cast<double>(bits) + 0.5) * 0x1p-52;
}

double gumbel_noise(double u) {
  return -std::log(-std::log(u));
}

double gumbel_limit(double u) {
  const auto exponent =
      static_cast<int64_t>(std::bit_cast<uint64_t>(1 - u) >> 52) - 1023;  // 1 - u is exact
  constexpr double kLn2 =
      0.6931471805599454;  // rounded up, with room for the rounding of two logarithms
  return static_cast<double>(-exponent) * kLn2 + 1e-12;
}

}  // namespace troika
