#include "plan/speed_probe.h"

#include <algorithm>
#include <map>

namespace troika {
namespace {

constexpr double kMeasureMs = 200;
constexpr int64_t kStreamBytesMax = int64_t{1} << 30;  // of all members together
constexpr int64_t kManyRowsBytes = int64_t{8} << 20;   // of a member
constexpr int64_t kManyRows = 512;                     // more of them are not faster
constexpr int64_t kSide = 4096;
constexpr int64_t kSmallSide = 1024;  // for models of which a large matrix would be all
constexpr int64_t kFloatSide = 1024;
constexpr int64_t kChainSide = 128;  // next to no work
constexpr int64_t kChainLength = 256;

/// The matrices that a step reads.
std::vector<const WeightInfo*> matrices_of(const Model& model) {
  std::vector<const WeightInfo*> matrices;
  for (const WeightInfo& weight : model.weights)
    if (weight.use == WeightUse::matmul || weight.use == WeightUse::matmul_lookup ||
        weight.use == WeightUse::experts)
      matrices.push_back(&weight);
  return matrices;
}

int64_t bytes_of(const WeightInfo& weight) {
  return dtype_bytes(weight.dtype, weight.weight.rows() * weight.weight.inputs);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace

std::vector<DType> probe_types(const Model& model, int64_t matrix_elements, int64_t bytes) {
  const std::vector<const WeightInfo*> matrices = matrices_of(model);
  int64_t all = 0;
  for (const WeightInfo* matrix : matrices) all += bytes_of(*matrix);
  const double scale =
      all > 0 ? static_cast<double>(std::min(bytes, all)) / static_cast<double>(all) : 0;
  std::vector<DType> types;
  std::map<DType, double> due;  // bytes of which no probe matrix has been made yet
  for (const WeightInfo* matrix : matrices) {
    double& left = due[matrix->dtype];
    left += scale * static_cast<double>(bytes_of(*matrix));
    const auto each = static_cast<double>(dtype_bytes(matrix->dtype, matrix_elements));
    for (; left >= each; left -= each) types.push_back(matrix->dtype);
  }
  if (!types.empty()) return types;
  const auto most = std::ranges::max_element(due, {}, [](const auto& one) { return one.second; });
  return {most == due.end() ? DType::q8_0 : most->first};
}

Result<SpeedProbe> SpeedProbe::make(std::span<const std::unique_ptr<Device>> devices,
                                    const Model& model, int64_t rows) {
  const auto members = static_cast<int64_t>(devices.size());
  int64_t bytes = 0;
  for (const WeightInfo* matrix : matrices_of(model)) bytes += bytes_of(*matrix);
  const int64_t share = std::min(bytes, kStreamBytesMax) / members;
  const int64_t side = share < 4 * kSide * kSide ? kSmallSide : kSide;
  SpeedProbe probe;
  probe.rows_ = std::min(rows, kManyRows);
  const std::vector<DType> chain(kChainLength, DType::q8_0);
  TROIKA_TRY(
      probe.chain_,
      make_probes(devices,
                  {.types = chain, .rows = kChainSide, .inputs = kChainSide, .chain = true}));
  TROIKA_TRY(probe.stream_, make_probes(devices, {.types = probe_types(model, side * side, share),
                                                  .rows = side,
                                                  .inputs = side}));
  TROIKA_TRY(
      probe.quantised_,
      make_probes(devices, {.types = probe_types(model, kSmallSide * kSmallSide, kManyRowsBytes),
                            .rows = kSmallSide,
                            .inputs = kSmallSide,
                            .step_rows = probe.rows_}));
  TROIKA_TRY(probe.floats_, make_probes(devices, {.types = {DType::f32},
                                                  .rows = kFloatSide,
                                                  .inputs = kFloatSide,
                                                  .step_rows = probe.rows_}));
  return probe;
}

Result<GroupSpeed> SpeedProbe::measure() const {
  TROIKA_TRY(const auto chain_s, time_together(chain_, 1, kMeasureMs / 4));
  TROIKA_TRY(const auto stream_s, time_together(stream_, 1, kMeasureMs));
  TROIKA_TRY(const auto quantised_s, time_together(quantised_, rows_, kMeasureMs));
  TROIKA_TRY(const auto floats_s, time_together(floats_, rows_, kMeasureMs));
  GroupSpeed speed;
  for (size_t m = 0; m < chain_.size(); m++) {
    MemberSpeed member{.op_s = chain_s[m] / kChainLength};
    const auto matrices = static_cast<double>(stream_[m]->matrices());
    // Most of a step that small would be its ops; then the bytes are but a part of it.
    const double reading_s = std::max(stream_s[m] - matrices * member.op_s, stream_s[m] / 4);
    member.bytes_per_s = static_cast<double>(stream_[m]->bytes()) / reading_s;
    member.int8_per_s = quantised_[m]->operations(rows_) / quantised_s[m];
    member.f32_per_s = floats_[m]->operations(rows_) / floats_s[m];
    speed.members.push_back(member);
  }
  TROIKA_TRY(speed.link, measure_link(std::ssize(chain_)));
  return speed;
}

GroupSpeed median_of(std::span<const GroupSpeed> rounds) {
  GroupSpeed speed = rounds[0];
  const auto over_rounds = [&](auto value_of) {
    std::vector<double> values;
    for (const GroupSpeed& round : rounds) values.push_back(value_of(round));
    return median(std::move(values));
  };
  for (size_t m = 0; m < speed.members.size(); m++)
    for (double MemberSpeed::*const field : {&MemberSpeed::bytes_per_s, &MemberSpeed::int8_per_s,
                                             &MemberSpeed::f32_per_s, &MemberSpeed::op_s})
      speed.members[m].*field =
          over_rounds([&](const GroupSpeed& r) { return r.members[m].*field; });
  speed.link.latency_s = over_rounds([](const GroupSpeed& r) { return r.link.latency_s; });
  speed.link.bytes_per_s = over_rounds([](const GroupSpeed& r) { return r.link.bytes_per_s; });
  return speed;
}

}  // namespace troika
