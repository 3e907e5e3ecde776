// The verification curve as a drawing: what a forward pass of n tokens costs, for one engine or
// several beside each other.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/bench_result.h"

namespace troika::cli {

struct CurvePoint {
  double tokens = 0;
  double ms = 0;
};

struct Curve {
  std::string name;
  bool dashed = false;  // a limit, not a measurement
  std::vector<CurvePoint> points;
};

/// The curve among `results`, and the limit below it; nothing where none was measured.
std::vector<Curve> curves_of(std::span<const BenchResult> results, const std::string& name);

/// The curves in lines of JSON as `troika bench --json` prints them, one for each pair of "engine"
/// and "model": of every object whose "test" is "curve", "tokens" and "median" (ms). Other lines
/// are passed over. `name` opens messages. Errors: corrupt — a line that is no JSON, a point that
/// makes no sense, no point at all.
Result<std::vector<Curve>> parse_curves(std::string_view lines, std::string_view name);

/// An SVG document. Curves without points are left out.
std::string plot_svg(std::string_view title, std::span<const Curve> curves);

}  // namespace troika::cli
