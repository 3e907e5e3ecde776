#include "serve/api/grammar_cache.h"

#include <algorithm>
#include <map>
#include <utility>

namespace troika::serve {

/// Under the lock. What is found stands first then.
const GrammarCache::Grammar* GrammarCache::find(TenantId tenant, const std::string& text) {
  const auto it = std::ranges::find_if(
      kept_, [&](const Kept& kept) { return kept.tenant == tenant && kept.text == text; });
  if (it == kept_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, it);
  return &kept_.front().grammar;
}

Result<GrammarCache::Grammar> GrammarCache::get(TenantId tenant, std::string text,
                                                const std::function<Result<Grammar>()>& make) {
  if (std::ssize(text) > limits_.text_bytes) return make();
  {
    const std::lock_guard lock(mutex_);
    if (const Grammar* kept = find(tenant, text)) return *kept;
  }
  TROIKA_TRY(Grammar made, make());
  const std::lock_guard lock(mutex_);
  // Another request may have made it meanwhile: what that one learns is learnt for both.
  if (const Grammar* kept = find(tenant, text)) return *kept;
  kept_.push_front({tenant, std::move(text), made});
  while (exceeded()) drop_one();
  return made;
}

int64_t GrammarCache::count() const {
  const std::lock_guard lock(mutex_);
  return std::ssize(kept_);
}

/// Under the lock. Grammars grow while they are used: all are asked anew.
bool GrammarCache::exceeded() const {
  int64_t bytes = 0;
  for (const Kept& kept : kept_)
    bytes += std::ssize(kept.text) + (kept.grammar ? kept.grammar->memory_bytes() : 0);
  return !kept_.empty() && (std::ssize(kept_) > limits_.grammars || bytes > limits_.bytes);
}

/// Under the lock.
void GrammarCache::drop_one() {
  std::map<TenantId, int64_t> counts;
  for (const Kept& kept : kept_) counts[kept.tenant]++;
  const TenantId most =
      std::ranges::max_element(counts, {}, [](const auto& one) { return one.second; })->first;
  const auto last = std::find_if(kept_.rbegin(), kept_.rend(),
                                 [&](const Kept& kept) { return kept.tenant == most; });
  kept_.erase(std::prev(last.base()));
}

}  // namespace troika::serve
