#include "graph/shares.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>

namespace troika {
namespace {

/// Adds [begin, end) to ranges that end at or before begin.
void append(std::vector<ColumnRange>& ranges, ColumnRange range) {
  if (!ranges.empty() && ranges.back().end == range.begin)
    ranges.back().end = range.end;
  else
    ranges.push_back(range);
}

/// Ascending ranges with neighbours made one.
std::vector<ColumnRange> joined(const std::vector<ColumnRange>& ranges) {
  std::vector<ColumnRange> fewer;
  for (const ColumnRange& range : ranges) append(fewer, range);
  return fewer;
}

/// Ascending units, each as often as it is in `ranges` divided by what all those counts have in
/// common.
std::vector<ColumnRange> thinned(const std::vector<ColumnRange>& ranges) {
  std::map<int64_t, int64_t> times;
  for (const ColumnRange& range : ranges)
    for (int64_t unit = range.begin; unit < range.end; unit++) times[unit]++;
  int64_t common = 0;
  for (const auto& [unit, count] : times) common = std::gcd(common, count);
  std::vector<ColumnRange> fewer;
  for (const auto& [unit, count] : times)
    for (int64_t i = 0; i < count / common; i++) append(fewer, {unit, unit + 1});
  return fewer;
}

void add_subtrees(int64_t begin, int64_t end, LeafRange range, std::vector<int64_t>& subtrees) {
  if (end <= range.begin || begin >= range.end) return;
  if (begin >= range.begin && end <= range.end) {
    subtrees.push_back(end - begin);
    return;
  }
  const int64_t middle = begin + (end - begin + 1) / 2;
  add_subtrees(begin, middle, range, subtrees);
  add_subtrees(middle, end, range, subtrees);
}

/// Where column `column` lies among `columns`, which have it.
int64_t place_of(int64_t column, const std::vector<ColumnRange>& columns) {
  int64_t before = 0;
  for (const ColumnRange& range : columns) {
    if (column < range.end) return before + column - range.begin;
    before += range.end - range.begin;
  }
  return before;
}

}  // namespace

Status check_shares(const Shares& shares) {
  int64_t sum = 0;
  for (const int64_t share : shares) {
    if (share < 0 || share > kSharesMax - sum)
      return fail(ErrorCode::invalid_argument, "a share of {}, wanted 0 to {} in all", share,
                  kSharesMax);
    sum += share;
  }
  if (sum == 0) return fail(ErrorCode::invalid_argument, "no member has a share");
  return ok();
}

LeafRange leaves_of(int64_t leaves, const Shares& shares, int64_t member) {
  const int64_t total = std::accumulate(shares.begin(), shares.end(), int64_t{0});
  const int64_t before = std::accumulate(shares.begin(), shares.begin() + member, int64_t{0});
  auto border = [&](int64_t sum) { return (2 * leaves * sum + total) / (2 * total); };
  return {border(before), border(before + shares[static_cast<size_t>(member)])};
}

std::vector<ColumnRange> units_of(const UnitLeaves& leaves, LeafRange range) {
  std::vector<ColumnRange> all;
  for (int64_t leaf = range.begin; leaf < range.end; leaf++)
    for (const ColumnRange& units : leaves[static_cast<size_t>(leaf)]) all.push_back(units);
  std::ranges::sort(all, {}, &ColumnRange::begin);
  const auto meet = [](const ColumnRange& a, const ColumnRange& b) { return b.begin < a.end; };
  const bool repeated = std::ranges::adjacent_find(all, meet) != all.end();
  return repeated ? thinned(all) : joined(all);
}

int64_t count_units(std::span<const ColumnRange> ranges) {
  int64_t count = 0;
  for (const ColumnRange& range : ranges) count += range.end - range.begin;
  return count;
}

std::vector<ColumnRange> columns_of(const Split& split, LeafRange range) {
  std::vector<ColumnRange> all;
  for (int64_t leaf = range.begin; leaf < range.end; leaf++)
    for (const ColumnRange& columns : split.leaves[static_cast<size_t>(leaf)])
      all.push_back(columns);
  std::ranges::sort(all, {}, &ColumnRange::begin);
  return joined(all);
}

Split split_of(const Split& split, LeafRange range) {
  const std::vector<ColumnRange> columns = columns_of(split, range);
  Split part;
  for (int64_t leaf = range.begin; leaf < range.end; leaf++) {
    // Ranges stay apart even where they have become neighbours: they add as they did.
    auto& ranges = part.leaves.emplace_back();
    for (const ColumnRange& one : split.leaves[static_cast<size_t>(leaf)]) {
      const int64_t begin = place_of(one.begin, columns);
      ranges.push_back({begin, begin + one.end - one.begin});
    }
  }
  return part;
}

std::vector<int64_t> subtrees_of(int64_t leaves, LeafRange range) {
  std::vector<int64_t> subtrees;
  if (!range.empty()) add_subtrees(0, leaves, range, subtrees);
  return subtrees;
}

WeightCut cut_weight(const WeightInfo& weight, const Shares& shares, int64_t member) {
  const Sharing& sharing = weight.sharing;
  WeightCut cut{weight.weight, {}, {}, weight.split};
  if (sharing.rows.empty()) {
    cut.rows = {{0, cut.weight.units * cut.weight.width}};
  } else {
    const auto units = units_of(sharing.rows, leaves_of(std::ssize(sharing.rows), shares, member));
    cut.weight.units = count_units(units);
    for (const ColumnRange& range : units)
      cut.rows.push_back({range.begin * cut.weight.width, range.end * cut.weight.width});
  }
  if (!sharing.columns) {
    cut.columns = {{0, cut.weight.inputs}};
  } else {
    const LeafRange leaves = leaves_of(std::ssize(weight.split.leaves), shares, member);
    cut.columns = columns_of(weight.split, leaves);
    cut.split = split_of(weight.split, leaves);
    cut.weight.inputs = count_units(cut.columns);
  }
  if (cut.weight.units == 0 || cut.weight.inputs == 0) cut.weight.id = -1;
  return cut;
}

WeightInfo part_of(const WeightInfo& weight, const WeightCut& cut) {
  WeightInfo part = weight;
  part.weight = cut.weight;
  part.split = cut.split;
  part.data = {};
  if (part.use == WeightUse::matmul_lookup) part.use = WeightUse::matmul;
  return part;
}

WeightInfo table_of(const WeightInfo& weight) {
  WeightInfo table = weight;
  table.use = WeightUse::lookup;
  table.split = {};
  return table;
}

std::span<const std::byte> cut_bytes(const WeightInfo& weight, const WeightCut& cut,
                                     std::vector<std::byte>& storage) {
  const Weight& whole = weight.weight;
  const int64_t row_bytes = dtype_bytes(weight.dtype, whole.inputs);
  const int64_t expert_rows = whole.units * whole.width;
  auto bytes_at = [&](int64_t row, int64_t column) {
    return weight.data.data() + row * row_bytes + dtype_bytes(weight.dtype, column);
  };
  if (cut.weight.inputs == whole.inputs && cut.rows.size() == 1 &&
      (whole.experts == 1 || count_units(cut.rows) == expert_rows))
    return {bytes_at(cut.rows[0].begin, 0), static_cast<size_t>(cut.weight.rows() * row_bytes)};
  storage.resize(
      static_cast<size_t>(cut.weight.rows() * dtype_bytes(weight.dtype, cut.weight.inputs)));
  std::byte* to = storage.data();
  for (int64_t expert = 0; expert < whole.experts; expert++)
    for (const ColumnRange& rows : cut.rows)
      for (int64_t row = rows.begin; row < rows.end; row++)
        for (const ColumnRange& columns : cut.columns) {
          const int64_t bytes = dtype_bytes(weight.dtype, columns.end - columns.begin);
          std::memcpy(to, bytes_at(expert * expert_rows + row, columns.begin),
                      static_cast<size_t>(bytes));
          to += bytes;
        }
  return storage;
}

}  // namespace troika
