#include "conformance/run_case.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "device/null/null_device.h"

namespace troika::conformance {
namespace {

using testing::OpCase;
using testing::OpRig;
using testing::StepInputs;

/// The scale of each element of step `step`.
std::vector<double> scales_of(const OpCase& c, const std::vector<float>& wanted) {
  if (c.scales) return c.scales();
  double sum = 0;
  for (const float x : wanted) sum += static_cast<double>(x) * x;
  const double mean = wanted.empty() ? 0 : std::sqrt(sum / static_cast<double>(wanted.size()));
  std::vector<double> scales(wanted.size(), mean);
  constexpr double kLittle = 1e-3;
  for (size_t i = 0; c.by_element && i < wanted.size(); i++)
    scales[i] = std::abs(static_cast<double>(wanted[i])) + kLittle;
  return scales;
}

/// The worst element of a step against `limit` times its scale.
std::string worst_element(const std::vector<float>& got, const std::vector<float>& wanted,
                          const std::vector<double>& scales, double limit) {
  size_t worst = 0;
  double worst_ratio = 0;
  for (size_t i = 0; i < wanted.size(); i++) {
    const double error = std::abs(static_cast<double>(got[i]) - wanted[i]);
    double ratio = error / scales[i];
    if (error == 0) ratio = 0;
    if (std::isnan(error)) ratio = INFINITY;
    if (ratio <= worst_ratio) continue;
    worst = i;
    worst_ratio = ratio;
  }
  if (worst_ratio <= limit) return {};
  return fmt::format("element {} is {}, wanted {}: {:.3g} of its scale {:.3g}, limit {:.3g}", worst,
                     got[worst], wanted[worst], worst_ratio, scales[worst], limit);
}

/// The power of the error against that of the results.
std::string error_power(const std::vector<float>& got, const std::vector<float>& wanted,
                        const std::vector<double>& scales) {
  double error = 0;
  double power = 0;
  for (size_t i = 0; i < wanted.size(); i++) {
    error += std::pow(static_cast<double>(got[i]) - wanted[i], 2);
    power += scales[i] * scales[i];
  }
  if (error <= testing::kEightBitsPower * power) return {};
  return fmt::format("error power {:.3g} of the results', limit {:.3g}", error / power,
                     testing::kEightBitsPower);
}

std::string step_disagreement(const DeviceUnderTest& row, const OpCase& c,
                              const std::vector<float>& got, const std::vector<float>& wanted) {
  const std::vector<double> scales = scales_of(c, wanted);
  if (!c.eight_bits || !row.eight_bits) return worst_element(got, wanted, scales, c.tolerance);
  const std::string element = worst_element(got, wanted, scales, testing::kEightBitsElement);
  return element.empty() ? error_power(got, wanted, scales) : element;
}

}  // namespace

std::vector<OpCase> cases_of(const testing::OpFamily& family) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr size_t kStride = 7;
#else
  constexpr size_t kStride = 1;
#endif
  const std::vector<OpCase> all = family.cases();
  std::vector<OpCase> chosen;
  for (size_t i = 0; i < all.size(); i += kStride) chosen.push_back(all[i]);
  return chosen;
}

Result<Results> run_case(Device& device, const OpCase& c) {
  OpRig rig(device, c.options);
  c.build(rig);
  TROIKA_RETURN_IF_ERROR(rig.compile(testing::sizes_of(c)));
  Results results;
  for (const StepInputs& step : c.steps) {
    if (rig.graph.output(Output::logits)) {
      TROIKA_TRY(results.emplace_back(), rig.run(step));
    } else {
      TROIKA_TRY(const auto ids, rig.run_argmax(step));
      results.emplace_back(ids.begin(), ids.end());
    }
  }
  return results;
}

std::vector<Need> needs_of(const OpCase& c) {
  const auto device = make_null_device({});  // keeps no weights
  OpRig rig(*device, c.options);
  c.build(rig);
  std::vector<Need> needs;
  for (const Node& node : rig.graph.nodes()) needs.push_back({node.op, rig.type_of(node.op)});
  return needs;
}

bool must_support(const DeviceUnderTest& row, const std::vector<Need>& needs) {
  return std::ranges::all_of(needs, [&](const Need& need) {
    if (!need.dtype) return true;
    const bool is_kv =
        std::holds_alternative<KvWrite>(need.op) || std::holds_alternative<Attention>(need.op);
    return std::ranges::count(is_kv ? row.kv_types : row.matrix_types, *need.dtype) > 0;
  });
}

std::string disagreement(const DeviceUnderTest& row, const OpCase& c, const Results& got,
                         const Results& wanted) {
  for (size_t step = 0; step < wanted.size(); step++) {
    if (got[step].size() != wanted[step].size())
      return fmt::format("step {}: {} results, wanted {}", step, got[step].size(),
                         wanted[step].size());
    const std::string words = step_disagreement(row, c, got[step], wanted[step]);
    if (!words.empty()) return fmt::format("step {}: {}", step, words);
  }
  return {};
}

std::string unequal_bits(const Results& got, const Results& wanted) {
  if (got.size() != wanted.size())
    return fmt::format("{} steps, wanted {}", got.size(), wanted.size());
  for (size_t step = 0; step < wanted.size(); step++) {
    if (got[step].size() != wanted[step].size())
      return fmt::format("step {}: {} results, wanted {}", step, got[step].size(),
                         wanted[step].size());
    for (size_t i = 0; i < wanted[step].size(); i++)
      if (std::isnan(wanted[step][i]) ||
          std::bit_cast<uint32_t>(got[step][i]) != std::bit_cast<uint32_t>(wanted[step][i]))
        return fmt::format("step {} element {} is {:a}, wanted {:a}", step, i, got[step][i],
                           wanted[step][i]);
  }
  return {};
}

}  // namespace troika::conformance
