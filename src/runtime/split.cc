#include "runtime/split.h"

#include <algorithm>
#include <numeric>

#include "runtime/product_probe.h"

namespace troika {
namespace {

constexpr int64_t kAllBytes = int64_t{512} << 20;   // of all devices, where they are few
constexpr int64_t kLeastBytes = int64_t{32} << 20;  // of each
constexpr double kMeasureMs = 100;

ProbeShape shape_for(size_t devices) {
  ProbeShape shape;
  const int64_t each = std::max(kAllBytes / static_cast<int64_t>(devices), kLeastBytes);
  shape.types.assign(
      static_cast<size_t>(each / dtype_bytes(DType::q8_0, shape.rows * shape.inputs)), DType::q8_0);
  return shape;
}

}  // namespace

Shares split_by_speed(std::span<const double> speeds) {
  Shares shares(speeds.size(), 0);
  for (int64_t leaf = 0; leaf < kLeavesMax; leaf++) {
    const auto done_with_one_more = [&](size_t m) {
      return static_cast<double>(shares[m] + 1) / speeds[m];
    };
    size_t best = 0;
    for (size_t m = 1; m < speeds.size(); m++)
      if (done_with_one_more(m) < done_with_one_more(best)) best = m;
    shares[best]++;
  }
  int64_t common = 0;
  for (const int64_t share : shares) common = std::gcd(common, share);
  for (int64_t& share : shares) share /= common;
  return shares;
}

Result<std::vector<double>> measure_speeds(std::span<const std::unique_ptr<Device>> devices) {
  TROIKA_TRY(const auto probes, make_probes(devices, shape_for(devices.size())));
  TROIKA_TRY(std::vector<double> speeds, time_together(probes, 1, kMeasureMs));
  for (size_t m = 0; m < speeds.size(); m++)
    speeds[m] = static_cast<double>(probes[m]->bytes()) / std::max(speeds[m], 1e-9);
  return speeds;
}

}  // namespace troika
