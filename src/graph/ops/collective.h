// What members of a group do together. Only the sharding pass (graph/sharding.h) writes these ops:
// an exchange shows every member what the others have of some values, and what reads it makes the
// whole of that, on each member alike. docs/tensor_parallelism.md.
#pragma once

#include <vector>

#include "core/result.h"
#include "graph/tensor.h"

namespace troika {

/// Ids up to this are exact as floats.
inline constexpr int64_t kPairIdsMax = int64_t{1} << 24;

/// y[t] = (first + i, x[t, i]) for the lowest i among those with the largest x[t, i]; both exact in
/// f32. A member's part of an Argmax.
struct ArgmaxPair {
  Tensor x;                    // [rows, units, 1] f32
  int64_t first = 0;           // the id of element 0
  Result<Spec> infer() const;  // [rows, 1, 2] f32; invalid_argument if an id is above kPairIdsMax
};

/// Shows `values`, side by side, to the other members and waits until all have shown theirs. Every
/// member of a group has the same exchanges in the same order.
struct Exchange {
  Rows rows = Rows::tokens;
  std::vector<Tensor> values;  // of this member, f32, of these rows; may be none
  Result<Spec> infer() const;  // no value; what was shown is found by the exchange's tensor
};

/// Where a member showed its part of a value.
struct ShownAt {
  int64_t row_elements = 0;  // of all that the member shows for a row
  int64_t offset = 0;        // of the part among them
  int64_t elements = 0;      // of the part; 0: the member has none
};

/// Some neighbouring leaves that a member has added up: elements [part, part + 1) * width of what
/// it shows.
struct LeafRun {
  int64_t leaves = 0;
  int64_t member = 0;
  int64_t part = 0;
};

/// y[t] = the sum of all parts, in the tree that docs/same_bits.md gives the leaves of all members.
struct SumParts {
  Tensor exchange;
  std::vector<ShownAt> shown;  // by member
  std::vector<LeafRun> runs;   // in the order of leaves; each is whole subtrees of the tree
  Spec value;
  Result<Spec> infer() const;  // value; invalid_argument if the runs do not fit what is shown
};

/// y[t] = the id of the pair with the largest value, the lowest of equals.
struct BestPair {
  Tensor exchange;
  std::vector<ShownAt> shown;  // by member: an ArgmaxPair each, or nothing
  Spec value;
  Result<Spec> infer() const;  // value, [rows, 1, 1] i32
};

}  // namespace troika
