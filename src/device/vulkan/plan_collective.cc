// What members of a group do together: this device is no member yet, and says so.
#include "device/vulkan/planning.h"

namespace troika::vulkan {

Error no_member() {
  return fail(ErrorCode::unsupported, "a vulkan device is no member of groups");
}

Status plan(Planning&, const ArgmaxPair&, const Tensor&) {
  return no_member();
}
Status plan(Planning&, const Exchange&, const Tensor&) {
  return no_member();
}
Status plan(Planning&, const SumParts&, const Tensor&) {
  return no_member();
}
Status plan(Planning&, const BestPair&, const Tensor&) {
  return no_member();
}

}  // namespace troika::vulkan
