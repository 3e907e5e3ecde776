// The dimensions of the same-bits matrix, and the runs that cover it.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

namespace troika::testing {

/// One value for each dimension, by number.
template <size_t Dimensions>
using Choice = std::array<int, Dimensions>;

/// Every combination of `sizes` values.
template <size_t Dimensions>
std::vector<Choice<Dimensions>> full_product(const Choice<Dimensions>& sizes) {
  std::vector<Choice<Dimensions>> all = {{}};
  for (size_t d = 0; d < Dimensions; d++) {
    std::vector<Choice<Dimensions>> longer;
    for (const auto& choice : all)
      for (int value = 0; value < sizes[d]; value++) {
        longer.push_back(choice);
        longer.back()[d] = value;
      }
    all = std::move(longer);
  }
  return all;
}

/// Combinations in which every pair of values of any two dimensions occurs, found greedily from a
/// fixed seed.
template <size_t Dimensions>
std::vector<Choice<Dimensions>> pairwise(const Choice<Dimensions>& sizes) {
  using Pair = std::array<int, 4>;  // dimension and value, twice
  std::set<Pair> missing;
  for (int a = 0; a < static_cast<int>(Dimensions); a++)
    for (int b = a + 1; b < static_cast<int>(Dimensions); b++)
      for (int i = 0; i < sizes[static_cast<size_t>(a)]; i++)
        for (int j = 0; j < sizes[static_cast<size_t>(b)]; j++) missing.insert({a, i, b, j});
  auto covered = [&](const Choice<Dimensions>& c) {
    std::vector<Pair> pairs;
    for (int a = 0; a < static_cast<int>(Dimensions); a++)
      for (int b = a + 1; b < static_cast<int>(Dimensions); b++) {
        const Pair pair = {a, c[static_cast<size_t>(a)], b, c[static_cast<size_t>(b)]};
        if (missing.contains(pair)) pairs.push_back(pair);
      }
    return pairs;
  };
  std::mt19937 random(7);
  std::vector<Choice<Dimensions>> chosen;
  constexpr int kTries = 50;
  while (!missing.empty()) {
    Choice<Dimensions> best{};
    std::vector<Pair> best_pairs;
    for (int attempt = 0; attempt < kTries; attempt++) {
      Choice<Dimensions> c{};
      for (size_t d = 0; d < Dimensions; d++)
        c[d] = static_cast<int>(random() % static_cast<unsigned>(sizes[d]));
      const Pair& wanted = *missing.begin();  // each try covers at least this one
      c[static_cast<size_t>(wanted[0])] = wanted[1];
      c[static_cast<size_t>(wanted[2])] = wanted[3];
      auto pairs = covered(c);
      if (pairs.size() <= best_pairs.size()) continue;
      best = c;
      best_pairs = std::move(pairs);
    }
    for (const Pair& pair : best_pairs) missing.erase(pair);
    chosen.push_back(best);
  }
  return chosen;
}

}  // namespace troika::testing
