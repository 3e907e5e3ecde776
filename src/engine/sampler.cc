#include "engine/sampler.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/check.h"
#include "engine/gumbel.h"

namespace troika {
namespace {

static_assert(kSamplerOrder[0] == SamplerStep::top_k,
              "it alone may look at the largest logits only");
size_t wanted(const SamplingOptions& options) {
  if (options.top_k <= 0) return Candidates::kAll;
  return static_cast<size_t>(std::max(options.top_k, options.min_keep));
}

void forbid(std::span<const TokenId> ids, SamplingOptions& options) {
  for (const TokenId id : ids)
    options.logit_bias.push_back({id, -std::numeric_limits<double>::infinity()});
}

}  // namespace

Result<Sampler> Sampler::make(SamplingOptions options, int32_t choice, int64_t vocab,
                              std::span<const TokenId> end_ids, int64_t ends_from) {
  if (vocab < 1 || vocab > std::numeric_limits<int32_t>::max())
    return fail(ErrorCode::invalid_argument, "a vocabulary of {} tokens, want at least 1", vocab);
  TROIKA_RETURN_IF_ERROR(options.validate(vocab));
  for (const TokenId id : end_ids)
    if (static_cast<int32_t>(id) < 0 || static_cast<int32_t>(id) >= vocab)
      return fail(ErrorCode::invalid_argument, "end token {}, want 0 to {}",
                  static_cast<int32_t>(id), vocab - 1);
  if (options.ignore_eos) forbid(end_ids, options);
  if (end_ids.empty() || options.ignore_eos) ends_from = 0;
  SamplingOptions opening;
  if (ends_from > 0) forbid(end_ids, opening = options);
  return Sampler(std::make_shared<const Plan>(
      Plan{std::move(options), std::move(opening), ends_from, choice, vocab}));
}

Sampler::Sampler(std::shared_ptr<const Plan> plan)
    : plan_(std::move(plan)),
      history_(plan_->options.penalises() ? plan_->options.repeat_last_n : 0) {}

TokenId Sampler::sample(std::span<const float> logits, int64_t position,
                        Candidates& scratch) const {
  TROIKA_CHECK(std::ssize(logits) == plan_->vocab);
  const SamplingOptions& options = position < plan_->ends_from ? plan_->opening : plan_->options;
  const bool greedy = options.temperature <= 0;
  scratch.load(logits, options, history_.counts(), greedy ? 1 : wanted(options));
  if (scratch.items().empty()) return TokenId{0};
  // Greedy looks at nothing else: typical_p could remove the most likely token.
  if (greedy)
    scratch.keep_best();
  else
    run_steps(kSamplerOrder, options, scratch);
  return scratch.draw(gumbel_key(options.seed, plan_->choice, position));
}

void Sampler::accept(TokenId id) {
  TROIKA_CHECK(static_cast<int32_t>(id) >= 0 && static_cast<int32_t>(id) < plan_->vocab);
  history_.push(id);
}

bool Sampler::greedy(int64_t position) const {
  if (position < plan_->ends_from) return false;
  const SamplingOptions& options = plan_->options;
  const bool one_left = options.temperature <= 0 || (options.top_k == 1 && options.min_keep <= 1);
  return one_left && !options.penalises() && options.logit_bias.empty();
}

}  // namespace troika
