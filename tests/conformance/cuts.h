// Other ways to compute the same step: its rows in several steps, its sequences one by one or in
// another order. Rows of one sequence depend on nothing else, so all must give the same bits.
#pragma once

#include <cstdint>
#include <vector>

#include "support/ops_rig.h"

namespace troika::conformance {

/// A part of a step, and where its results stand among those of the whole.
struct Piece {
  testing::StepInputs step;
  std::vector<int64_t> outputs;  // result row i of the piece is result row outputs[i] of the whole
};

/// Cuts a step into pieces of one sequence and at most `rows_max` rows each, in an order in which
/// they can be run. Rows that are not certain stay together. A step without sequences is cut at
/// every `rows_max` rows.
std::vector<Piece> cut(const testing::StepInputs& whole, int64_t rows_max);

/// One step that computes all pieces, which must be of different sequences, in this order.
Piece join(const std::vector<Piece>& pieces);

}  // namespace troika::conformance
