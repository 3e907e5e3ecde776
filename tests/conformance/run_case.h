// Running a case on a device, and judging its results.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "conformance/devices_under_test.h"
#include "support/ops_cases.h"

namespace troika::conformance {

/// The result of each step, [outputs, elements]; ids of argmax as floats.
using Results = std::vector<std::vector<float>>;

/// Runs the steps of `c` one after the other on new states.
Result<Results> run_case(Device& device, const testing::OpCase& c);

/// The cases of a family that this build runs: all of them, but every seventh under sanitizers,
/// which are slow and look for other faults.
std::vector<testing::OpCase> cases_of(const testing::OpFamily& family);

/// An op of a case, and the type that a device is asked about for it.
struct Need {
  Op op;
  std::optional<DType> dtype;  // none where the op has neither a weight matrix nor a KV type
};

/// All ops of `c`. Cost: makes its weights.
std::vector<Need> needs_of(const testing::OpCase& c);

/// Whether the list asks `row` for all of `needs`.
bool must_support(const DeviceUnderTest& row, const std::vector<Need>& needs);

/// Empty if `got` agrees with `wanted` (float64) as `c` asks of this device; else the first or
/// worst difference in words.
std::string disagreement(const DeviceUnderTest& row, const testing::OpCase& c, const Results& got,
                         const Results& wanted);

/// Empty if the bits are equal (NaN are never); else the first difference in words.
std::string unequal_bits(const Results& got, const Results& wanted);

}  // namespace troika::conformance
