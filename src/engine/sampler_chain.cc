#include "engine/sampler_chain.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/gumbel.h"

namespace troika {
namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

bool larger(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

// The logit as a number that arithmetic cannot hurt, or -infinity for what cannot be drawn.
double usable(float logit) {
  if (std::isnan(logit)) return kMinusInfinity;
  return std::min(logit, std::numeric_limits<float>::max());
}

// Most blocks of a row hold nothing of interest. A length known when compiled makes looking a
// vector loop.
constexpr size_t kBlock = 64;

bool any_above(std::span<const float, kBlock> block, float threshold) {
  uint32_t any = 0;
  for (size_t i = 0; i < kBlock; i++) any |= static_cast<uint32_t>(block[i] > threshold);
  return any != 0;
}

// Puts items [ranked, count) into their final places, given that [0, ranked) are there; returns how
// many then are. A few go through a heap: one comparison for nearly every item, where a partition
// moves most.
template <typename Before>
size_t rank_front(std::vector<Candidate>& items, size_t ranked, size_t count, Before before) {
  constexpr size_t kFew = 256;
  count = std::min(count, items.size());
  if (count <= ranked) return ranked;
  const auto first = items.begin() + static_cast<std::ptrdiff_t>(ranked);
  const auto last = items.begin() + static_cast<std::ptrdiff_t>(count);
  if (count - ranked <= kFew) {
    std::partial_sort(first, last, items.end(), before);
    return count;
  }
  if (last != items.end()) std::nth_element(first, last, items.end(), before);
  std::sort(first, last, before);
  return count;
}

// How many more to rank when the first `ranked` were not enough.
size_t more(size_t ranked) {
  return std::max<size_t>(64, ranked * 4);
}

// A draw that belongs to a step and to no id.
double stream_uniform(uint64_t key, SamplerStep step) {
  return gumbel_uniform(gumbel_stream(key, static_cast<uint32_t>(step)), TokenId{0});
}

size_t at_least_one(int32_t min_keep) {
  return static_cast<size_t>(std::max(1, min_keep));
}

}  // namespace

std::span<const float> Candidates::masked(std::span<const float> logits, const TokenBits& allowed) {
  masked_.assign(logits.size(), -std::numeric_limits<float>::infinity());
  for (size_t word = 0; word < allowed.size(); word++)
    for (uint64_t bits = allowed[word]; bits != 0; bits &= bits - 1) {
      const size_t id = 64 * word + static_cast<size_t>(std::countr_zero(bits));
      if (id < logits.size()) masked_[id] = logits[id];
    }
  return masked_;
}

void Candidates::load(std::span<const float> logits, const Adjustments& adjustments,
                      size_t wanted) {
  // An adjusted token may fall out of the largest and make room for another: so many more are
  // loaded.
  constexpr size_t kFew = 512;
  const size_t adjusted =
      adjustments.bias.size() + adjustments.history.size() + adjustments.repeats.size();
  ranked_ = 0;
  before_adapt_.clear();
  if (wanted < kFew && adjusted < kFew && wanted + adjusted < logits.size())
    load_largest(logits, wanted + adjusted);
  else
    load_all(logits);
  for (const TokenCount& entry : adjustments.history) join(entry.id, logits);
  for (const TokenPenalty& entry : adjustments.repeats) join(entry.id, logits);
  for (const LogitBias& entry : adjustments.bias) {
    join(entry.id, logits);
    find(entry.id)->logit += entry.bias;
  }
  std::erase_if(items_, [](const Candidate& item) { return item.logit == kMinusInfinity; });
}

void Candidates::load_all(std::span<const float> logits) {
  items_.resize(logits.size());
  for (size_t i = 0; i < logits.size(); i++)
    items_[i] = {usable(logits[i]), static_cast<TokenId>(i)};
  by_id_ = true;
}

// Collects what exceeds the worst of the best so far, and prunes when the buffer is full. Equals
// that come later rank later, so only a larger logit gets in.
void Candidates::load_largest(std::span<const float> logits, size_t count) {
  const size_t full = 2 * count + kBlock;
  float threshold = -std::numeric_limits<float>::infinity();
  items_.clear();
  by_id_ = false;
  for (size_t start = 0; start < logits.size(); start += kBlock) {
    const std::span<const float> block =
        logits.subspan(start, std::min(kBlock, logits.size() - start));
    if (block.size() == kBlock && !any_above(block.first<kBlock>(), threshold)) continue;
    for (size_t i = 0; i < block.size(); i++)
      if (block[i] > threshold)
        items_.push_back({usable(block[i]), static_cast<TokenId>(start + i)});
    if (items_.size() < full) continue;
    const auto last = items_.begin() + static_cast<std::ptrdiff_t>(count - 1);
    std::nth_element(items_.begin(), last, items_.end(), larger);
    threshold = static_cast<float>(last->logit);
    items_.resize(count);
  }
}

Candidate* Candidates::find(TokenId id) {
  if (by_id_) {
    const auto found = std::ranges::lower_bound(items_, id, {}, &Candidate::id);
    return found != items_.end() && found->id == id ? &*found : nullptr;
  }
  const auto found = std::ranges::find(items_, id, &Candidate::id);
  return found == items_.end() ? nullptr : &*found;
}

// A token that will be adjusted may become one of the largest.
void Candidates::join(TokenId id, std::span<const float> logits) {
  if (find(id) == nullptr) items_.push_back({usable(logits[static_cast<size_t>(id)]), id});
}

void Candidates::rank(size_t count) {
  by_id_ = by_id_ && count <= ranked_;
  ranked_ = rank_front(items_, ranked_, count, larger);
}

void Candidates::keep_first(size_t count) {
  items_.resize(std::min(count, items_.size()));
  ranked_ = std::min(ranked_, items_.size());
}

double Candidates::largest() const {
  if (ranked_ > 0) return items_.front().logit;
  return std::min_element(items_.begin(), items_.end(), larger)->logit;
}

Candidates::Softmax Candidates::softmax() const {
  Softmax softmax{largest(), 0};
  for (const Candidate& item : items_) softmax.total += std::exp(item.logit - softmax.max);
  return softmax;
}

double Candidates::Softmax::p(const Candidate& item) const {
  return std::exp(item.logit - max) / total;
}

double Candidates::Softmax::minus_log_p(const Candidate& item) const {
  return std::log(total) - (item.logit - max);
}

double Candidates::entropy(const Softmax& softmax) const {
  double entropy = 0;
  for (const Candidate& item : items_) {
    const double p = softmax.p(item);
    if (p > 0) entropy += p * softmax.minus_log_p(item);  // p ln p goes to 0 with p
  }
  return entropy;
}

void Candidates::top_k(int32_t k, int32_t min_keep) {
  if (k <= 0) return;
  const auto keep = static_cast<size_t>(std::max(k, min_keep));
  if (keep >= items_.size()) return;
  rank(keep);
  keep_first(keep);
}

void Candidates::typical_p(double typical, int32_t min_keep) {
  if (typical >= 1) return;
  const Softmax weights = softmax();
  // |-ln p - H| = |centre - (l - max)|
  const double max = weights.max, centre = std::log(weights.total) - entropy(weights);
  const auto nearer = [max, centre](const Candidate& a, const Candidate& b) {
    const double from_a = std::abs(centre - (a.logit - max)),
                 from_b = std::abs(centre - (b.logit - max));
    return from_a < from_b || (from_a == from_b && a.id < b.id);
  };
  size_t sorted = 0, count = 0;
  double sum = 0;
  while (count < items_.size() && (count < at_least_one(min_keep) || !(sum > typical))) {
    if (count == sorted) sorted = rank_front(items_, sorted, more(sorted), nearer);
    sum += weights.p(items_[count++]);
  }
  ranked_ = 0;  // they lie by deviation now
  by_id_ = false;
  keep_first(count);
}

void Candidates::top_p(double top, int32_t min_keep) {
  if (top >= 1) return;
  const Softmax weights = softmax();
  size_t count = 0;
  double sum = 0;
  while (count < items_.size() && (count < at_least_one(min_keep) || sum < top)) {
    if (count == ranked_) rank(more(ranked_));
    sum += weights.p(items_[count++]);
  }
  keep_first(count);
}

void Candidates::min_p(double min, int32_t min_keep) {
  if (min <= 0) return;
  const double limit = largest() + std::log(min);
  const auto below = [limit](const Candidate& item) { return item.logit < limit; };
  const size_t keep = std::min(at_least_one(min_keep), items_.size());
  const auto dropped = static_cast<size_t>(std::count_if(items_.begin(), items_.end(), below));
  if (items_.size() - dropped < keep) {
    rank(keep);
    keep_first(keep);
    return;
  }
  std::erase_if(items_,
                below);  // those that stay keep their order, so what was ranked stays ranked
  ranked_ = std::min(ranked_, items_.size());
}

void Candidates::temperature(const SamplingOptions& options) {
  double t = options.temperature;
  if (t > 0 && options.dynatemp_range > 0 && items_.size() > 1) {
    const double low = std::max(0.0, t - options.dynatemp_range), high = t + options.dynatemp_range;
    const double share = entropy(softmax()) / std::log(static_cast<double>(items_.size()));
    t = low + (high - low) * std::pow(share, options.dynatemp_exponent);
  }
  if (t <= 0) return keep_best();
  const double max = largest();
  for (Candidate& item : items_) item.logit = (item.logit - max) / t;
}

void Candidates::penalise(std::span<const TokenCount> history, const SamplingOptions& options) {
  if (history.empty()) return;
  for (const TokenCount& entry : history) {
    Candidate* item = find(entry.id);
    if (item == nullptr) continue;
    double& logit = item->logit;
    logit = logit <= 0 ? logit * options.repeat_penalty : logit / options.repeat_penalty;
    logit -= entry.count * options.frequency_penalty + options.presence_penalty;
  }
  ranked_ = 0;
}

void Candidates::penalise(std::span<const TokenPenalty> penalties) {
  if (penalties.empty()) return;
  for (const TokenPenalty& penalty : penalties)
    if (Candidate* item = find(penalty.id)) item->logit -= penalty.amount;
  ranked_ = 0;
}

void Candidates::top_n_sigma(double n) {
  if (n <= 0 || items_.size() < 2) return;
  const double max = largest(), count = static_cast<double>(items_.size());
  double sum = 0, squares = 0;
  for (const Candidate& item : items_) sum += item.logit - max;
  const double mean = sum / count;
  for (const Candidate& item : items_) squares += std::pow(item.logit - max - mean, 2);
  const double limit = max - n * std::sqrt(squares / count);
  std::erase_if(items_, [limit](const Candidate& item) { return item.logit < limit; });
  ranked_ = std::min(ranked_, items_.size());
}

void Candidates::xtc(const SamplingOptions& options, double u) {
  if (options.xtc_threshold > 0.5 || items_.size() < 2 || u > options.xtc_probability) return;
  const Softmax weights = softmax();
  const auto likely = [&](const Candidate& item) {
    return weights.p(item) >= options.xtc_threshold;
  };
  const auto count = static_cast<size_t>(std::ranges::count_if(items_, likely));
  if (count < 2) return;
  rank(count);
  const size_t left = items_.size() - (count - 1);
  if (left < static_cast<size_t>(options.min_keep)) return;
  items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(count - 1));
  ranked_ = 1;
}

void Candidates::mirostat(double mu, int64_t vocab) {
  constexpr size_t kSlope = 100;  // tokens that the slope is taken from
  if (items_.size() < 2) return;
  rank(kSlope);
  double products = 0, squares = 0;
  for (size_t i = 0; i + 1 < std::min(kSlope, items_.size()); i++) {
    const double t = std::log((static_cast<double>(i) + 2) / (static_cast<double>(i) + 1));
    products += t * (items_[i].logit - items_[i + 1].logit);
    squares += t * t;
  }
  const double slope = products / squares, epsilon = slope - 1;
  const double k = std::pow(
      epsilon * std::exp2(mu) / (1 - std::pow(static_cast<double>(vocab), -epsilon)), 1 / slope);
  // A flat row has no slope and no k: all stay. The paper's k is cut to a whole number.
  if (!(k < static_cast<double>(items_.size()))) return;
  top_k(std::max(1, static_cast<int32_t>(k)), 0);
}

void Candidates::mirostat2(double mu) {
  const Softmax weights = softmax();
  const double limit = mu * std::log(2.0);
  const auto surprising = [&](const Candidate& item) { return weights.minus_log_p(item) > limit; };
  if (std::ranges::all_of(items_, surprising)) return keep_best();
  std::erase_if(items_, surprising);
  ranked_ = std::min(ranked_, items_.size());
}

void Candidates::adapt(double target) {
  constexpr double kWidth = 0.3, kPeak = 5, kSharpness = 10;
  const Softmax weights = softmax();
  before_adapt_.clear();
  for (Candidate& item : items_) {
    const double p = weights.p(item);
    const double x = std::abs(p - target) / kWidth;
    before_adapt_.push_back(p);
    item.logit = kPeak - kSharpness * x * x / (1 + x);
  }
  ranked_ = 0;
}

double Candidates::probability_of(TokenId id) const {
  const auto item = std::ranges::find(items_, id, &Candidate::id);
  if (item == items_.end()) return 0;
  if (before_adapt_.size() == items_.size())
    return before_adapt_[static_cast<size_t>(item - items_.begin())];
  return softmax().p(*item);
}

void Candidates::keep_best() {
  by_id_ = false;
  std::iter_swap(items_.begin(), std::min_element(items_.begin(), items_.end(), larger));
  ranked_ = 1;
  keep_first(1);
}

TokenId Candidates::draw(uint64_t key) const {
  double best = kMinusInfinity;
  TokenId best_id = items_.front().id;
  for (const Candidate& item : items_) {
    const double u = gumbel_uniform(key, item.id);
    if (item.logit + gumbel_limit(u) < best) continue;  // saves the logarithms of most
    const double value = item.logit + gumbel_noise(u);
    if (value > best || (value == best && item.id < best_id)) {
      best = value;
      best_id = item.id;
    }
  }
  return best_id;
}

std::vector<std::pair<TokenId, double>> Candidates::probabilities() const {
  std::vector<Candidate> sorted = items_;
  std::sort(sorted.begin(), sorted.end(), larger);
  const Softmax weights = softmax();
  std::vector<std::pair<TokenId, double>> result;
  result.reserve(sorted.size());
  for (const Candidate& item : sorted) result.emplace_back(item.id, weights.p(item));
  return result;
}

void run_steps(std::span<const SamplerStep> steps, const ChainInputs& inputs,
               Candidates& candidates) {
  const SamplingOptions& o = inputs.options;
  for (const SamplerStep step : steps) {
    switch (step) {
      case SamplerStep::penalties:
        candidates.penalise(inputs.adjustments.history, o);
        break;
      case SamplerStep::dry:
        candidates.penalise(inputs.adjustments.repeats);
        break;
      case SamplerStep::top_n_sigma:
        candidates.top_n_sigma(o.top_n_sigma);
        break;
      case SamplerStep::top_k:
        candidates.top_k(o.top_k, o.min_keep);
        break;
      case SamplerStep::typical_p:
        candidates.typical_p(o.typical_p, o.min_keep);
        break;
      case SamplerStep::top_p:
        candidates.top_p(o.top_p, o.min_keep);
        break;
      case SamplerStep::min_p:
        candidates.min_p(o.min_p, o.min_keep);
        break;
      case SamplerStep::xtc:
        if (o.xtc_probability > 0) candidates.xtc(o, stream_uniform(inputs.key, step));
        break;
      case SamplerStep::temperature:
        candidates.temperature(o);
        break;
      case SamplerStep::adaptive_p:
        break;
    }
  }
}

}  // namespace troika
