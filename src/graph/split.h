// The split descriptor: in which order the products of a matmul row are added. docs/same_bits.md,
// rule 1. K is an ordered list of at most 8 leaves, each a list of ranges. Inside a leaf, blocks
// add in listed order; leaves add as a balanced binary tree. A group of devices hands out whole
// leaves, so one device and several add the same numbers.
#pragma once

#include <cstdint>
#include <vector>

namespace troika {

inline constexpr int64_t kLeavesMax = 8;

/// Columns [begin, end) of a weight.
struct ColumnRange {
  int64_t begin = 0;
  int64_t end = 0;
  bool operator==(const ColumnRange&) const = default;
};

/// The leaves of one weight. Invariants: 1 to 8 leaves, none empty, ranges disjoint, together all
/// columns.
struct Split {
  std::vector<std::vector<ColumnRange>> leaves;
  bool operator==(const Split&) const = default;
};

/// Units of an axis by leaf: those that a member has who has the leaf. A unit may be there several
/// times, in one leaf (once for each equal run of queries that reads it) and in several.
using UnitLeaves = std::vector<std::vector<ColumnRange>>;

/// One leaf: the input is there in full on every member, so K is never divided.
Split split_whole(int64_t columns);

/// K is `columns` long and produced in `units` equal contiguous units (KV-head groups, feed-forward
/// rows). Units are joined until a unit is whole blocks of `block` columns (the last may be short),
/// then dealt out as contiguous runs to as many of 8 leaves as there are units.
Split split_contiguous(int64_t columns, int64_t units, int64_t block);

/// K is [value heads, width] where value head h belongs to key head h mod `key_heads` (the tiled
/// order of qwen35 files). A unit is a key head with its scattered value heads; neighbours are
/// joined until each range is whole blocks.
Split split_tiled_heads(int64_t key_heads, int64_t value_heads, int64_t width, int64_t block);

}  // namespace troika
