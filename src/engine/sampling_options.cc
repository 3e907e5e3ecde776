#include "engine/sampling_options.h"

#include <cmath>
#include <limits>
#include <string_view>

namespace troika {
namespace {

// NaN fails the comparison.
template <typename T>
Status in_range(std::string_view field, T value, T low, T high) {
  if (value >= low && value <= high) return ok();
  return fail(ErrorCode::invalid_argument, "{} is {}, want {} to {}", field, value, low, high);
}

Status check_bias(const std::vector<LogitBias>& entries, int64_t vocab) {
  if (std::ssize(entries) > kLogitBiasCountMax)
    return fail(ErrorCode::invalid_argument, "logit_bias has {} entries, want at most {}",
                entries.size(), kLogitBiasCountMax);
  for (const LogitBias& entry : entries) {
    const auto id = static_cast<int32_t>(entry.id);
    if (id < 0 || id >= vocab)
      return fail(ErrorCode::invalid_argument, "logit_bias names token {}, want 0 to {}", id,
                  vocab - 1);
    const bool forbids = entry.bias == -std::numeric_limits<double>::infinity();
    if (!forbids && !(std::abs(entry.bias) <= kStrengthMax))
      return fail(ErrorCode::invalid_argument,
                  "logit_bias of token {} is {}, want -inf or {} to {}", id, entry.bias,
                  -kStrengthMax, kStrengthMax);
  }
  return ok();
}

}  // namespace

bool SamplingOptions::penalises() const {
  return repeat_last_n != 0 &&
         (repeat_penalty != 1 || frequency_penalty != 0 || presence_penalty != 0);
}

Status SamplingOptions::validate(int64_t vocab) const {
  if (!std::isfinite(temperature))
    return fail(ErrorCode::invalid_argument, "temperature is {}, want a finite number",
                temperature);
  TROIKA_RETURN_IF_ERROR(in_range("dynatemp_range", dynatemp_range, 0.0, kStrengthMax));
  TROIKA_RETURN_IF_ERROR(in_range("dynatemp_exponent", dynatemp_exponent, 0.0, kStrengthMax));
  TROIKA_RETURN_IF_ERROR(in_range("typical_p", typical_p, 0.0, 1.0));
  TROIKA_RETURN_IF_ERROR(in_range("top_p", top_p, 0.0, 1.0));
  TROIKA_RETURN_IF_ERROR(in_range("min_p", min_p, 0.0, 1.0));
  TROIKA_RETURN_IF_ERROR(in_range("min_keep", min_keep, 0, std::numeric_limits<int32_t>::max()));
  TROIKA_RETURN_IF_ERROR(
      in_range("repeat_penalty", repeat_penalty, 1 / kStrengthMax, kStrengthMax));
  TROIKA_RETURN_IF_ERROR(
      in_range("frequency_penalty", frequency_penalty, -kStrengthMax, kStrengthMax));
  TROIKA_RETURN_IF_ERROR(
      in_range("presence_penalty", presence_penalty, -kStrengthMax, kStrengthMax));
  TROIKA_RETURN_IF_ERROR(in_range("repeat_last_n", repeat_last_n, -1, kRepeatLastNMax));
  return check_bias(logit_bias, vocab);
}

}  // namespace troika
