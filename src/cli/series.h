// Repeated values of one quantity.
#pragma once

#include <vector>

namespace troika::cli {

/// All are 0 where there are no values.
struct Series {
  std::vector<double> values;
  double median() const;
  double min() const;
  double max() const;
  /// (max - min) / median, in per cent.
  double spread_percent() const;
};

}  // namespace troika::cli
