#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/check.h"
#include "engine/gumbel.h"

namespace troika {
namespace {

// Whether a step is off, or changes single logits only, which load() makes room for.
bool leaves_all(SamplerStep step, const SamplingOptions& o) {
  switch (step) {
    case SamplerStep::penalties:
    case SamplerStep::dry:
      return true;
    case SamplerStep::top_n_sigma:
      return o.top_n_sigma <= 0;
    case SamplerStep::top_k:
      return o.top_k <= 0;
    case SamplerStep::typical_p:
      return o.typical_p >= 1;
    case SamplerStep::top_p:
      return o.top_p >= 1;
    case SamplerStep::min_p:
      return o.min_p <= 0;
    case SamplerStep::xtc:
      return o.xtc_probability <= 0;
    case SamplerStep::temperature:
      return false;
    case SamplerStep::adaptive_p:
      return true;
  }
  return false;
}

// Of the largest logits: those that top_k may keep, where no step before it looks at all.
size_t wanted(const SamplingOptions& options) {
  if (options.mirostat != 0) return Candidates::kAll;
  const auto first = std::ranges::find_if_not(
      options.samplers, [&](SamplerStep step) { return leaves_all(step, options); });
  if (first == options.samplers.end() || *first != SamplerStep::top_k) return Candidates::kAll;
  return static_cast<size_t>(std::max(options.top_k, options.min_keep));
}

void forbid(std::span<const TokenId> ids, SamplingOptions& options) {
  for (const TokenId id : ids)
    options.logit_bias.push_back({id, -std::numeric_limits<double>::infinity()});
}

}  // namespace

Result<Sampler> Sampler::make(SamplingOptions options, int32_t choice, int64_t vocab,
                              std::span<const TokenId> end_ids, int64_t ends_from,
                              std::shared_ptr<const DryBreakers> breakers) {
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
      Plan{std::move(options), std::move(opening), ends_from, choice, vocab, std::move(breakers)}));
}

Sampler::Sampler(std::shared_ptr<const Plan> plan)
    : plan_(std::move(plan)),
      history_(plan_->options.penalises() ? plan_->options.repeat_last_n : 0),
      dry_history_(plan_->options.avoids_repeats() ? plan_->options.dry_last_n : 0),
      mu_(2 * plan_->options.mirostat_tau),
      adaptive_sum_(plan_->options.adaptive_target / (1 - plan_->options.adaptive_decay)),
      adaptive_weight_(1 / (1 - plan_->options.adaptive_decay)) {}

TokenId Sampler::sample(std::span<const float> logits, int64_t position,
                        Candidates& scratch) const {
  TROIKA_CHECK(std::ssize(logits) == plan_->vocab);
  const SamplingOptions& options = position < plan_->ends_from ? plan_->opening : plan_->options;
  const bool greedy = options.temperature <= 0;
  if (grammar_) logits = scratch.masked(logits, *grammar_->allowed());
  ChainInputs inputs{options,
                     {options.logit_bias, history_.counts(), {}},
                     gumbel_key(options.seed, plan_->choice, position)};
  if (options.avoids_repeats())
    inputs.adjustments.repeats =
        scratch.repeats.find(dry_history_.tokens(), plan_->breakers.get(), options);
  scratch.load(logits, inputs.adjustments, greedy ? 1 : wanted(options));
  scratch.drawn_probability = 1;
  if (scratch.items().empty()) return grammar_ ? kNoToken : TokenId{0};
  // Greedy looks at nothing but what changes single logits: typical_p could remove the most likely
  // token.
  if (greedy) {
    scratch.penalise(inputs.adjustments.history, options);
    scratch.penalise(inputs.adjustments.repeats);
    scratch.keep_best();
  } else {
    run_chain(inputs, scratch);
  }
  const TokenId id = scratch.draw(inputs.key);
  if (options.mirostat != 0 || options.adapts())
    scratch.drawn_probability = scratch.probability_of(id);
  return id;
}

void Sampler::run_chain(const ChainInputs& inputs, Candidates& scratch) const {
  const SamplingOptions& options = inputs.options;
  if (options.mirostat != 0) {
    scratch.temperature(options);
    return options.mirostat == 1 ? scratch.mirostat(mu_, plan_->vocab) : scratch.mirostat2(mu_);
  }
  run_steps(options.samplers, inputs, scratch);
  if (!options.adapts()) return;
  const double mean = adaptive_sum_ / adaptive_weight_;
  scratch.adapt(std::clamp(2 * options.adaptive_target - mean, 0.0, 1.0));
}

void Sampler::accept(TokenId id) {
  TROIKA_CHECK(static_cast<int32_t>(id) >= 0 && static_cast<int32_t>(id) < plan_->vocab);
  history_.push(id);
  dry_history_.push(id);
}

void Sampler::emit(TokenId id, const Candidates& scratch) {
  accept(id);
  if (grammar_) (void)grammar_->accept(id);  // a draft that it forbids: nothing follows
  const SamplingOptions& options = plan_->options;
  if (options.temperature <= 0) return;
  const double p = scratch.drawn_probability;
  if (options.mirostat != 0) {
    // A token of no probability would move the aim without end.
    const double surprise = p > 0 ? -std::log2(p) : 2 * options.mirostat_tau;
    mu_ -= options.mirostat_eta * (surprise - options.mirostat_tau);
  } else if (options.adapts()) {
    adaptive_sum_ = p + options.adaptive_decay * adaptive_sum_;
    adaptive_weight_ = 1 + options.adaptive_decay * adaptive_weight_;
  }
}

void Sampler::begin_answer(std::shared_ptr<const TokenGrammar> grammar) {
  grammar_.emplace(std::move(grammar));
}

size_t Sampler::allowed_drafts(std::span<const TokenId> tokens) const {
  return grammar_ ? grammar_->accepted(tokens) : tokens.size();
}

bool Sampler::greedy(int64_t position) const {
  if (grammar_ || position < plan_->ends_from) return false;
  const SamplingOptions& options = plan_->options;
  const bool first = options.mirostat == 0 && wanted(options) == 1;
  const bool one_left = options.temperature <= 0 || first;
  return one_left && !options.penalises() && !options.avoids_repeats() &&
         options.logit_bias.empty();
}

}  // namespace troika
