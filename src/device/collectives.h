// What members of a group make of what they showed each other (graph/ops/collective.h), row by row
// on the host: on each member the same numbers, whatever kind of device it is.
#pragma once

#include <cstdint>

#include "device/transport.h"
#include "graph/op.h"

namespace troika {

/// An exchange of the step that runs.
struct ShownAtExchange {
  const Transport& transport;
  int64_t number = 0;
};

/// y[i] = a[i] + b[i] for i < count; y may be a or b.
using AddFloats = void (*)(const float* a, const float* b, float* y, int64_t count) noexcept;

/// By itself, where a device has no faster way: the bits are the same.
void add_floats(const float* a, const float* b, float* y, int64_t count) noexcept;

/// Writes row `row` of the sum, op.value.elements() floats, to `y`; zeros for what members that
/// gave up have not shown. Thread: any, side by side.
void sum_parts(const SumParts& op, const ShownAtExchange& shown, int64_t row, AddFloats add,
               float* y);

/// The id that row `row` chooses; 0 where nobody has shown one.
int32_t best_pair(const BestPair& op, const ShownAtExchange& shown, int64_t row);

}  // namespace troika
