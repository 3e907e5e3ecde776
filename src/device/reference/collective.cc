// Groups are held to one device bit by bit, and one device to this one: it is no member itself.
#include "device/reference/ops.h"

namespace troika::reference {
namespace {

Status refuse() {
  return fail(ErrorCode::unsupported, "the reference device is no member of groups");
}

}  // namespace

Status compute(Step&, const ArgmaxPair&, const Tensor&) {
  return refuse();
}
Status compute(Step&, const Exchange&, const Tensor&) {
  return refuse();
}
Status compute(Step&, const SumParts&, const Tensor&) {
  return refuse();
}
Status compute(Step&, const BestPair&, const Tensor&) {
  return refuse();
}

}  // namespace troika::reference
