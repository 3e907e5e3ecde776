#include "engine/sampler_history.h"

#include <algorithm>

namespace troika {
namespace {

auto find(std::vector<TokenCount>& counts, TokenId id) {
  return std::lower_bound(
      counts.begin(), counts.end(), id,
      [](const TokenCount& entry, TokenId wanted) { return entry.id < wanted; });
}

}  // namespace

void SamplerHistory::push(TokenId id) {
  if (tokens_max_ == 0) return;
  if (tokens_max_ > 0) {
    if (window_.size() < static_cast<size_t>(tokens_max_)) {
      window_.push_back(id);
    } else {
      remove(window_[oldest_]);
      window_[oldest_] = id;
      oldest_ = (oldest_ + 1) % window_.size();
    }
  }
  add(id);
}

void SamplerHistory::add(TokenId id) {
  const auto place = find(counts_, id);
  if (place != counts_.end() && place->id == id)
    place->count++;
  else
    counts_.insert(place, {id, 1});
}

void SamplerHistory::remove(TokenId id) {
  const auto place = find(counts_, id);
  if (--place->count == 0) counts_.erase(place);
}

}  // namespace troika
