// Measures what the planner's model reckons with: each member's speeds while the others work too,
// and what it costs them to meet.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/result.h"
#include "device/device.h"
#include "model/model.h"
#include "plan/step_time.h"
#include "runtime/link_probe.h"
#include "runtime/product_probe.h"

namespace troika {

/// The types of probe matrices of `matrix_elements` elements each, in the mix and the order that
/// the matrices of `model` have, of about `bytes` in all; at least one.
std::vector<DType> probe_types(const Model& model, int64_t matrix_elements, int64_t bytes);

/// What members did in one round.
struct GroupSpeed {
  std::vector<MemberSpeed> members;
  LinkSpeed link;
};

/// Probes on devices, ready to be run again and again. Borrows the devices; the memory is given
/// back with it.
class SpeedProbe {
 public:
  /// Makes probes of the types of `model`: as many bytes as it has (a GiB at most, all members
  /// together) for one row, some for many.
  /// @param rows  of a step with many; 512 at most are taken.
  /// Errors: those of the devices, named.
  static Result<SpeedProbe> make(std::span<const std::unique_ptr<Device>> devices,
                                 const Model& model, int64_t rows);

  /// One round, of about a second.
  Result<GroupSpeed> measure() const;

 private:
  using Probes = std::vector<std::unique_ptr<ProductProbe>>;

  int64_t rows_ = 1;
  Probes chain_, stream_, quantised_, floats_;
};

/// The median of each speed over `rounds`, of which there is one at least.
GroupSpeed median_of(std::span<const GroupSpeed> rounds);

}  // namespace troika
