#include "cli/series.h"

#include <algorithm>

namespace troika::cli {

double Series::median() const {
  if (values.empty()) return 0;
  std::vector<double> sorted = values;
  std::ranges::sort(sorted);
  const size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

double Series::min() const {
  return values.empty() ? 0 : *std::ranges::min_element(values);
}

double Series::max() const {
  return values.empty() ? 0 : *std::ranges::max_element(values);
}

double Series::spread_percent() const {
  return median() > 0 ? 100 * (max() - min()) / median() : 0;
}

}  // namespace troika::cli
