#include "engine/speculation_options.h"

#include <string_view>

namespace troika {
namespace {

Status in_range(std::string_view what, int64_t value, int64_t min, int64_t max) {
  if (value < min || value > max)
    return fail(ErrorCode::invalid_argument, "{} is {}, wanted {} to {}", what, value, min, max);
  return ok();
}

}  // namespace

bool allows(SpecType type, DraftClass drafts) {
  switch (type) {
    case SpecType::none:
      return false;
    case SpecType::mtp:
      return drafts == DraftClass::mtp;
    case SpecType::ngram:
      return drafts == DraftClass::ngram;
    case SpecType::model:
      return drafts == DraftClass::model;
    case SpecType::automatic:
    case SpecType::combined:
      return true;
  }
  return false;
}

Status validate(const SpeculationOptions& options, int64_t depth_max) {
  TROIKA_RETURN_IF_ERROR(in_range("the draft depth", options.depth_max, 0, depth_max));
  TROIKA_RETURN_IF_ERROR(
      in_range("the longest n-gram match", options.ngram_max, 1, kNgramTokensMax));
  return in_range("the shortest n-gram match", options.ngram_min, 1, options.ngram_max);
}

}  // namespace troika
