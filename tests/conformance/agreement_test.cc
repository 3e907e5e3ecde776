// Every device agrees with float64 on every case that its row of the list asks for, and refuses the
// others by name.
#include <gtest/gtest.h>

#include <algorithm>

#include "conformance/run_case.h"
#include "device/reference/reference_device.h"

namespace troika::conformance {
namespace {

using testing::OpCase;
using testing::OpFamily;

class Conformance : public ::testing::TestWithParam<OpFamily> {
 protected:
  void SetUp() override {
    for (const DeviceUnderTest& row : devices_under_test()) devices_.push_back({row, row.make()});
  }

  struct Made {
    DeviceUnderTest row;
    std::unique_ptr<Device> device;
    int64_t cases = 0;
  };
  std::vector<Made> devices_;
};

TEST_P(Conformance, EveryDeviceAgreesWithFloat64) {
  const auto reference = make_reference_device();
  for (const OpCase& c : cases_of(GetParam())) {
    const Result<Results> wanted = run_case(*reference, c);
    ASSERT_TRUE(wanted.ok()) << c.name << ": " << wanted.error().message();
    const std::vector<Need> needs = needs_of(c);
    for (Made& d : devices_) {
      if (!must_support(d.row, needs)) continue;
      d.cases++;
      const Result<Results> got = run_case(*d.device, c);
      if (!got.ok())
        ADD_FAILURE() << d.row.name << ", " << c.name << ": " << got.error().message();
      else
        EXPECT_EQ(disagreement(d.row, c, *got, *wanted), "") << d.row.name << ", " << c.name;
    }
  }
  for (const Made& d : devices_) EXPECT_GT(d.cases, 0) << d.row.name << " supports nothing";
}

TEST_P(Conformance, EveryDeviceSaysWhatItSupportsAndRefusesTheRest) {
  for (const OpCase& c : cases_of(GetParam())) {
    const std::vector<Need> needs = needs_of(c);
    for (const Made& d : devices_) {
      const bool all = std::ranges::all_of(needs, [&](const Need& need) {
        return d.device->supports(need.op, need.dtype.value_or(DType::f32));
      });
      EXPECT_EQ(all, must_support(d.row, needs)) << d.row.name << ", " << c.name;
      if (must_support(d.row, needs)) continue;
      const Result<Results> got = run_case(*d.device, c);
      ASSERT_FALSE(got.ok()) << d.row.name << ", " << c.name;
      EXPECT_EQ(got.error().code(), ErrorCode::unsupported) << got.error().message();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Conformance, ::testing::ValuesIn(testing::op_families()),
                         [](const auto& family) { return family.param.name; });

}  // namespace
}  // namespace troika::conformance
