#include "engine/logprobs.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace troika {
namespace {

constexpr double kImpossible = -std::numeric_limits<double>::infinity();

double logit_of(float logit) {
  if (std::isnan(logit)) return kImpossible;
  return std::min(logit, std::numeric_limits<float>::max());
}

/// ln of the sum of e^l, as the largest l and the rest, so that huge logits lose nothing.
struct LogSum {
  double max = kImpossible;
  double rest = 0;

  double logprob(double logit) const {
    return logit == kImpossible ? kImpossible : logit - max - rest;
  }
};

LogSum log_sum(std::span<const float> logits) {
  LogSum total;
  for (const float logit : logits) total.max = std::max(total.max, logit_of(logit));
  if (total.max == kImpossible) return total;
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit_of(logit) - total.max);
  total.rest = std::log(sum);
  return total;
}

/// Likelier, or equally likely with a lower id: a total order.
bool better(const TokenLogprob& a, const TokenLogprob& b) {
  return a.logprob != b.logprob ? a.logprob > b.logprob : a.id < b.id;
}

}  // namespace

ChosenLogprob Logprobs::of(std::span<const float> logits, TokenId chosen, int64_t count) {
  const LogSum total = log_sum(logits);
  find_top(logits, count);
  for (TokenLogprob& entry : top_) entry.logprob = total.logprob(entry.logprob);
  const double own = total.logprob(logit_of(logits[static_cast<size_t>(chosen)]));
  return {.token = {chosen, own}, .top = top_};
}

/// Leaves the best in top_, with logits for log-probabilities. While they are gathered, top_ is a
/// heap whose front is the worst of them.
void Logprobs::find_top(std::span<const float> logits, int64_t count) {
  top_.clear();
  const auto wanted = static_cast<size_t>(std::clamp<int64_t>(count, 0, std::ssize(logits)));
  if (wanted == 0) return;
  for (size_t id = 0; id < logits.size(); id++) {
    const TokenLogprob entry{static_cast<TokenId>(id), logit_of(logits[id])};
    if (top_.size() == wanted) {
      if (!better(entry, top_.front())) continue;
      std::ranges::pop_heap(top_, better);
      top_.pop_back();
    }
    top_.push_back(entry);
    std::ranges::push_heap(top_, better);
  }
  std::ranges::sort_heap(top_, better);
}

}  // namespace troika
