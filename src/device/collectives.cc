#include "device/collectives.h"

#include <algorithm>

namespace troika {
namespace {

constexpr int64_t kPiece = 512;  // elements; the sums of a branch of the tree stay in L1

/// A row of a member's part of a value; null where there is none.
const float* shown_row(const ShownAtExchange& shown, const ShownAt& at, int64_t member,
                       int64_t row) {
  const float* const begin = shown.transport.shown(member, shown.number);
  return begin == nullptr ? nullptr : begin + row * at.row_elements + at.offset;
}

/// Elements [at, at + count) of a row.
struct Piece {
  const SumParts& op;
  const ShownAtExchange& shown;
  AddFloats add;
  int64_t row, at, count;
};

/// A part as it is shown; what was not shown is zeros, in `scratch`.
const float* part_of(const Piece& piece, const LeafRun& run, float* scratch) {
  const ShownAt& at = piece.op.shown[static_cast<size_t>(run.member)];
  const float* const row = shown_row(piece.shown, at, run.member, piece.row);
  if (row != nullptr) return row + run.part * piece.op.value.elements() + piece.at;
  std::fill_n(scratch, piece.count, 0.0F);
  return scratch;
}

/// The sum of the next `leaves` leaves, which are one part or two branches of the tree: where that
/// lies, or in `scratch`.
const float* add_up(const Piece& piece, int64_t leaves, size_t& next, float* scratch) {
  const LeafRun& run = piece.op.runs[next];
  if (run.leaves >= leaves) {
    next++;
    return part_of(piece, run, scratch);
  }
  float rest[kPiece];
  const int64_t left_leaves = (leaves + 1) / 2;
  const float* const left = add_up(piece, left_leaves, next, scratch);
  const float* const right = add_up(piece, leaves - left_leaves, next, rest);
  piece.add(left, right, scratch, piece.count);
  return scratch;
}

}  // namespace

void add_floats(const float* a, const float* b, float* y, int64_t count) noexcept {
  for (int64_t i = 0; i < count; i++) y[i] = a[i] + b[i];
}

void sum_parts(const SumParts& op, const ShownAtExchange& shown, int64_t row, AddFloats add,
               float* y) {
  int64_t leaves = 0;
  for (const LeafRun& run : op.runs) leaves += run.leaves;
  const int64_t width = op.value.elements();
  for (int64_t at = 0; at < width; at += kPiece) {
    size_t next = 0;
    const int64_t count = std::min(kPiece, width - at);
    const float* const sum = add_up({op, shown, add, row, at, count}, leaves, next, y + at);
    if (sum != y + at) std::copy_n(sum, count, y + at);
  }
}

int32_t best_pair(const BestPair& op, const ShownAtExchange& shown, int64_t row) {
  const float* best = nullptr;
  for (size_t m = 0; m < op.shown.size(); m++) {
    const ShownAt& at = op.shown[m];
    if (at.elements == 0) continue;
    const float* const pair = shown_row(shown, at, static_cast<int64_t>(m), row);
    if (pair == nullptr) continue;
    if (best == nullptr || pair[1] > best[1] || (pair[1] == best[1] && pair[0] < best[0]))
      best = pair;
  }
  return best == nullptr ? 0 : static_cast<int32_t>(best[0]);
}

}  // namespace troika
