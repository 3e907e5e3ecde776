#include "graph/split.h"

#include <algorithm>
#include <numeric>

#include "core/check.h"

namespace troika {
namespace {

/// How many units of `unit` columns make whole blocks.
int64_t units_to_join(int64_t unit, int64_t block) {
  return std::lcm(unit, block) / unit;
}

void append(std::vector<ColumnRange>& leaf, ColumnRange range) {
  if (!leaf.empty() && leaf.back().end == range.begin)
    leaf.back().end = range.end;
  else
    leaf.push_back(range);
}

}  // namespace

Split split_whole(int64_t columns) {
  return {{{{0, columns}}}};
}

Split split_contiguous(int64_t columns, int64_t units, int64_t block) {
  TROIKA_CHECK(units >= 1 && columns % units == 0);
  const int64_t unit = columns / units * units_to_join(columns / units, block);
  const int64_t count = (columns + unit - 1) / unit;
  const int64_t leaves = std::min(kLeavesMax, count);
  Split split;
  for (int64_t leaf = 0; leaf < leaves; leaf++) {
    const int64_t begin = count * leaf / leaves * unit;
    const int64_t end = std::min(columns, count * (leaf + 1) / leaves * unit);
    split.leaves.push_back({{begin, end}});
  }
  return split;
}

Split split_tiled_heads(int64_t key_heads, int64_t value_heads, int64_t width, int64_t block) {
  TROIKA_CHECK(key_heads >= 1 && value_heads % key_heads == 0);
  const int64_t joined = units_to_join(width, block);
  // A run of joined heads must not wrap around the tile, or its ranges would not be whole blocks.
  if (key_heads % joined != 0) return split_whole(value_heads * width);
  const int64_t count = key_heads / joined;
  const int64_t leaves = std::min(kLeavesMax, count);
  Split split;
  for (int64_t leaf = 0; leaf < leaves; leaf++) {
    std::vector<ColumnRange> ranges;
    const int64_t first = count * leaf / leaves * joined;
    const int64_t last = count * (leaf + 1) / leaves * joined;
    for (int64_t tile = 0; tile < value_heads / key_heads; tile++)
      append(ranges, {(tile * key_heads + first) * width, (tile * key_heads + last) * width});
    split.leaves.push_back(std::move(ranges));
  }
  return split;
}

}  // namespace troika
