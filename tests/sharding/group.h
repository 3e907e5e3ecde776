// Groups of CPU devices for tests.
#pragma once

#include <memory>
#include <stdexcept>
#include <vector>

#include "device/cpu/cpu_device.h"
#include "device/group/group_device.h"
#include "support/devices.h"

namespace troika::testing {

/// A CPU device for each share; one share is that device alone.
inline std::unique_ptr<Device> make_members(const Shares& shares, int threads = 1,
                                            Isa isa = Isa::avx512) {
  std::vector<std::unique_ptr<Device>> members;
  for (size_t i = 0; i < shares.size(); i++) {
    auto member = make_cpu_device({.threads = threads, .isa_max = isa, .shared_work_min = 0});
    if (!member.ok()) throw std::runtime_error(member.error().message());
    members.push_back(std::move(*member));
  }
  if (shares.size() == 1) return std::move(members[0]);
  auto group = make_group_device(std::move(members), shares);
  if (!group.ok()) throw std::runtime_error(group.error().message());
  return std::move(*group);
}

}  // namespace troika::testing
