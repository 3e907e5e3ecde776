#include "engine/dry.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace troika {
namespace {

// repeats[k] = how many of the newest tokens stand in the same order k tokens earlier, for k >= 1.
// The Z-algorithm (Gusfield, Algorithms on Strings, Trees and Sequences, 1.4) on the text read
// backwards: each comparison that succeeds moves the window's end on, so the cost is linear.
void count_repeats(std::span<const TokenId> history, std::vector<int64_t>& repeats) {
  const int64_t size = std::ssize(history);
  const auto back = [&](int64_t i) { return history[static_cast<size_t>(size - 1 - i)]; };
  const auto at = [&](int64_t i) -> int64_t& { return repeats[static_cast<size_t>(i)]; };
  repeats.assign(static_cast<size_t>(size), 0);
  int64_t left = 0, right = 0;  // a window that equals a beginning: [left, right)
  for (int64_t k = 1; k < size; k++) {
    int64_t length = k < right ? std::min(right - k, at(k - left)) : 0;
    while (k + length < size && back(length) == back(k + length)) length++;
    at(k) = length;
    if (k + length <= right) continue;
    left = k;
    right = k + length;
  }
}

}  // namespace

void DryBreakers::add(TokenId head, std::vector<TokenId> tail) {
  auto& tails = tails_[static_cast<int32_t>(head)];
  if (tail.size() > kTailMax) tail.resize(kTailMax);
  if (std::ranges::find(tails, tail) == tails.end()) tails.push_back(std::move(tail));
}

DryBreakers DryBreakers::find(std::span<const std::string> strings, int64_t tokens,
                              const std::function<std::string(TokenId)>& bytes,
                              const std::function<std::vector<TokenId>(std::string_view)>& encode) {
  DryBreakers breakers;
  for (int64_t id = 0; id < tokens; id++) {
    const auto head = static_cast<TokenId>(id);
    const std::string text = bytes(head);
    for (const std::string_view wanted : strings) {
      if (text.find(wanted) != std::string::npos) {
        breakers.add(head, {});
        continue;
      }
      for (size_t length = std::min(wanted.size() - 1, text.size()); length > 0; length--)
        if (text.ends_with(wanted.substr(0, length)))
          breakers.add(head, encode(wanted.substr(length)));
    }
  }
  return breakers;
}

bool DryBreakers::alone(TokenId id) const {
  const auto found = tails_.find(static_cast<int32_t>(id));
  return found != tails_.end() &&
         std::ranges::any_of(found->second, [](const auto& tail) { return tail.empty(); });
}

int64_t DryBreakers::tokens_behind(std::span<const TokenId> history) const {
  for (int64_t i = 0; i < std::ssize(history); i++) {
    const auto behind = history.last(static_cast<size_t>(i));
    const auto found =
        tails_.find(static_cast<int32_t>(history[history.size() - behind.size() - 1]));
    if (found == tails_.end()) continue;
    int64_t longest = -1;
    for (const std::vector<TokenId>& tail : found->second)
      if (tail.size() <= behind.size() && std::ranges::equal(tail, behind.first(tail.size())))
        longest = std::max(longest, std::ssize(tail));
    if (longest >= 0) return i - longest;
  }
  return std::ssize(history);
}

void DryHistory::push(TokenId id) {
  if (tokens_max_ == 0) return;
  const auto bound = static_cast<size_t>(std::max(tokens_max_, 0));
  if (bound > 0 && tokens_.size() == 2 * bound)
    tokens_.erase(tokens_.begin(), tokens_.end() - static_cast<std::ptrdiff_t>(bound));
  tokens_.push_back(id);
}

std::span<const TokenId> DryHistory::tokens() const {
  const std::span<const TokenId> all = tokens_;
  if (tokens_max_ < 0) return all;
  return all.last(std::min(all.size(), static_cast<size_t>(tokens_max_)));
}

std::span<const TokenPenalty> DryPenalties::find(std::span<const TokenId> history,
                                                 const DryBreakers* breakers,
                                                 const SamplingOptions& options) {
  penalties_.clear();
  const int64_t size = std::ssize(history);
  const int64_t allowed = options.dry_allowed_length;
  if (size <= allowed) return penalties_;
  const int64_t limit = breakers == nullptr ? size : breakers->tokens_behind(history);
  if (limit < allowed) return penalties_;
  count_repeats(history, repeats_);
  for (int64_t k = 1; k < size; k++) {
    const int64_t length = std::min(repeats_[static_cast<size_t>(k)], limit);
    if (length < allowed) continue;
    const TokenId next = history[static_cast<size_t>(size - k)];
    if (breakers != nullptr && breakers->alone(next)) continue;
    penalties_.push_back({next, static_cast<double>(length)});
  }
  std::ranges::sort(penalties_, [](const TokenPenalty& a, const TokenPenalty& b) {
    return a.id < b.id || (a.id == b.id && a.amount > b.amount);
  });
  // The longest repetition of each counts.
  const auto same = [](const TokenPenalty& a, const TokenPenalty& b) { return a.id == b.id; };
  penalties_.erase(std::unique(penalties_.begin(), penalties_.end(), same), penalties_.end());
  const double exponent_max =
      options.dry_base > 1.000001
          ? std::log(std::numeric_limits<float>::max()) / std::log(options.dry_base)
          : std::numeric_limits<double>::infinity();
  for (TokenPenalty& penalty : penalties_)
    penalty.amount =
        options.dry_multiplier *
        std::pow(options.dry_base,
                 std::min(penalty.amount - static_cast<double>(allowed), exponent_max));
  return penalties_;
}

}  // namespace troika
