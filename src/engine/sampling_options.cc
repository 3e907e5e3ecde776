#include "engine/sampling_options.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "core/printable.h"

namespace troika {
namespace {

struct StepName {
  SamplerStep step;
  std::string_view name;
  char letter;
};

constexpr StepName kStepNames[] = {{SamplerStep::penalties, "penalties", 'e'},
                                   {SamplerStep::dry, "dry", 'd'},
                                   {SamplerStep::top_n_sigma, "top_n_sigma", 's'},
                                   {SamplerStep::top_k, "top_k", 'k'},
                                   {SamplerStep::typical_p, "typ_p", 'y'},
                                   {SamplerStep::top_p, "top_p", 'p'},
                                   {SamplerStep::min_p, "min_p", 'm'},
                                   {SamplerStep::xtc, "xtc", 'x'},
                                   {SamplerStep::temperature, "temperature", 't'},
                                   {SamplerStep::adaptive_p, "adaptive_p", 'a'}};

struct StepAlias {
  std::string_view alias, name;
};

constexpr StepAlias kStepAliases[] = {
    {"temp", "temperature"}, {"nucleus", "top_p"}, {"typical", "typ_p"}, {"typical_p", "typ_p"},
    {"topk", "top_k"},       {"topp", "top_p"},    {"minp", "min_p"},    {"typp", "typ_p"}};

Status check_count(size_t count) {
  if (count > 0 && static_cast<int64_t>(count) <= kSamplersMax) return ok();
  return fail(ErrorCode::invalid_argument, "samplers lists {} steps, want 1 to {}", count,
              kSamplersMax);
}

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

Status check_breakers(const std::vector<std::string>& breakers) {
  if (std::ssize(breakers) > kDryBreakersMax)
    return fail(ErrorCode::invalid_argument,
                "dry_sequence_breakers has {} entries, want at most {}", breakers.size(),
                kDryBreakersMax);
  for (size_t i = 0; i < breakers.size(); i++)
    if (breakers[i].empty() || std::ssize(breakers[i]) > kDryBreakerBytesMax)
      return fail(ErrorCode::invalid_argument,
                  "dry_sequence_breakers[{}] has {} bytes, want 1 to {}", i, breakers[i].size(),
                  kDryBreakerBytesMax);
  return ok();
}

}  // namespace

std::string_view sampler_name(SamplerStep step) {
  return std::ranges::find(kStepNames, step, &StepName::step)->name;
}

Result<std::vector<SamplerStep>> parse_samplers(std::string_view names) {
  std::vector<SamplerStep> steps;
  for (size_t start = 0; start <= names.size();) {
    const size_t end = std::min(names.find(';', start), names.size());
    std::string name(names.substr(start, end - start));
    start = end + 1;
    std::ranges::replace(name, '-', '_');
    const auto alias = std::ranges::find(kStepAliases, name, &StepAlias::alias);
    if (alias != std::end(kStepAliases)) name = alias->name;
    const auto known = std::ranges::find(kStepNames, name, &StepName::name);
    if (known == std::end(kStepNames))
      return fail(ErrorCode::invalid_argument,
                  "samplers names \"{}\", want penalties, dry, top_n_sigma, top_k, typ_p, top_p, "
                  "min_p, xtc, temperature, adaptive_p with \";\" between them",
                  printable(name));
    steps.push_back(known->step);
    TROIKA_RETURN_IF_ERROR(check_count(steps.size()));
  }
  return steps;
}

Result<std::vector<SamplerStep>> parse_sampler_letters(std::string_view letters) {
  TROIKA_RETURN_IF_ERROR(check_count(letters.size()));
  std::vector<SamplerStep> steps;
  for (const char letter : letters) {
    const auto known = std::ranges::find(kStepNames, letter, &StepName::letter);
    if (known == std::end(kStepNames))
      return fail(ErrorCode::invalid_argument,
                  "samplers has the letter \"{}\", want those of "
                  "edskypmxta",
                  printable(std::string_view(&letter, 1)));
    steps.push_back(known->step);
  }
  return steps;
}

bool SamplingOptions::has(SamplerStep step) const {
  return std::ranges::find(samplers, step) != samplers.end();
}

bool SamplingOptions::adapts() const {
  return mirostat == 0 && adaptive_target >= 0 && has(SamplerStep::adaptive_p);
}

bool SamplingOptions::avoids_repeats() const {
  return mirostat == 0 && dry_multiplier != 0 && dry_last_n != 0 && has(SamplerStep::dry);
}

bool SamplingOptions::penalises() const {
  return mirostat == 0 && has(SamplerStep::penalties) && repeat_last_n != 0 &&
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
  TROIKA_RETURN_IF_ERROR(in_range("top_n_sigma", top_n_sigma, -kStrengthMax, kStrengthMax));
  TROIKA_RETURN_IF_ERROR(in_range("xtc_probability", xtc_probability, 0.0, 1.0));
  TROIKA_RETURN_IF_ERROR(in_range("xtc_threshold", xtc_threshold, 0.0, 1.0));
  TROIKA_RETURN_IF_ERROR(in_range("dry_multiplier", dry_multiplier, 0.0, kStrengthMax));
  TROIKA_RETURN_IF_ERROR(in_range("dry_base", dry_base, 1.0, kStrengthMax));
  TROIKA_RETURN_IF_ERROR(in_range("dry_allowed_length", dry_allowed_length, 1, kDryLengthMax));
  TROIKA_RETURN_IF_ERROR(in_range("dry_penalty_last_n", dry_last_n, -1, kDryLengthMax));
  TROIKA_RETURN_IF_ERROR(check_breakers(dry_breakers));
  TROIKA_RETURN_IF_ERROR(in_range("mirostat", mirostat, 0, 2));
  TROIKA_RETURN_IF_ERROR(in_range("mirostat_tau", mirostat_tau, 0.0, kMirostatTauMax));
  TROIKA_RETURN_IF_ERROR(in_range("mirostat_eta", mirostat_eta, 0.0, 1.0));
  TROIKA_RETURN_IF_ERROR(in_range("adaptive_target", adaptive_target, -kStrengthMax, 1.0));
  TROIKA_RETURN_IF_ERROR(in_range("adaptive_decay", adaptive_decay, 0.0, 0.99));
  TROIKA_RETURN_IF_ERROR(check_count(samplers.size()));
  return check_bias(logit_bias, vocab);
}

}  // namespace troika
