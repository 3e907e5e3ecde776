// The arithmetic of shares: which leaves a member of a group has, and what follows from that for
// rows, columns and sums. A member has neighbouring leaves, so what it adds up are whole subtrees
// of the tree of docs/same_bits.md, rule 1, and members of any number add the same numbers alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/result.h"
#include "graph/split.h"
#include "graph/weight.h"

namespace troika {

/// Of each member, how much it takes relative to the others; 0: only what all members have. At
/// least one is not 0, none is negative, the sum is at most kSharesMax.
using Shares = std::vector<int64_t>;
inline constexpr int64_t kSharesMax = 1 << 20;

/// Errors: invalid_argument — not such shares.
Status check_shares(const Shares& shares);

/// Leaves [begin, end) of one member.
struct LeafRange {
  int64_t begin = 0;
  int64_t end = 0;
  bool empty() const { return begin == end; }
};

/// The leaves of `member` where `leaves` are dealt out by `shares`, each border to the nearest
/// leaf.
LeafRange leaves_of(int64_t leaves, const Shares& shares, int64_t member);

/// The units of a member with the leaves `range`, ascending. A unit that is there several times
/// (a KV head whose queries are cut into runs) stays as often as makes the runs of all of them
/// equal.
std::vector<ColumnRange> units_of(const UnitLeaves& leaves, LeafRange range);

/// How many units `ranges` have.
int64_t count_units(std::span<const ColumnRange> ranges);

/// The columns of those leaves, ascending, and the leaves among them alone.
std::vector<ColumnRange> columns_of(const Split& split, LeafRange range);
Split split_of(const Split& split, LeafRange range);

/// The subtrees of the tree over `leaves` leaves that `range` consists of, as few as can be: how
/// many leaves each has.
std::vector<int64_t> subtrees_of(int64_t leaves, LeafRange range);

/// What a member has of a weight.
struct WeightCut {
  Weight weight;                     // its shape there; absent if the member has nothing of it
  std::vector<ColumnRange> rows;     // of each expert
  std::vector<ColumnRange> columns;  // whole blocks
  Split split;                       // of the columns that are left
};

/// Cuts `weight` by its sharing.
WeightCut cut_weight(const WeightInfo& weight, const Shares& shares, int64_t member);

/// What a device gets to import of a weight that was cut, without its bytes; and, of a table that
/// is a matrix too, the whole copy that lookups read.
WeightInfo part_of(const WeightInfo& weight, const WeightCut& cut);
WeightInfo table_of(const WeightInfo& weight);

/// The bytes of `cut`, dense, out of `weight.data`: a part of it where that is dense as it is, else
/// copied to `storage`.
std::span<const std::byte> cut_bytes(const WeightInfo& weight, const WeightCut& cut,
                                     std::vector<std::byte>& storage);

}  // namespace troika
