#include "engine/draft_chains.h"

#include <algorithm>

namespace troika {

void DraftChains::begin(std::span<DraftRequest> requests, bool argmax_is_token) {
  chains_.clear();
  for (DraftRequest& request : requests) {
    request.tokens.clear();
    if (request.depth == 0) continue;
    const Sequence& sequence = *request.sequence;
    const bool greedy = argmax_is_token && sequence.sampler->greedy(std::ssize(sequence.tokens));
    chains_.push_back({&request, greedy ? std::nullopt : sequence.sampler});
  }
  std::ranges::stable_sort(chains_, std::ranges::greater{},
                           [](const Chain& c) { return c.request->depth; });
  drafted_.resize(static_cast<size_t>(depth() * size()));
}

int64_t DraftChains::active_at(int64_t depth) const {
  return std::ranges::count_if(chains_,
                               [depth](const Chain& c) { return c.request->depth > depth; });
}

TokenId DraftChains::token(int64_t chain, int64_t depth) const {
  return static_cast<TokenId>(drafted_[static_cast<size_t>(depth * size() + chain)]);
}

Status DraftChains::take(Forward& forward, int64_t depth, int64_t width, bool read,
                         const Spread& spread) {
  const int64_t active = active_at(depth);
  TROIKA_RETURN_IF_ERROR(forward.queue_argmax(std::span(drafted_).subspan(
      static_cast<size_t>(depth * size()), static_cast<size_t>(active))));
  bool sampled = false;
  for (int64_t i = 0; i < active; i++) {
    if (!chains_[static_cast<size_t>(i)].sampler) continue;
    TROIKA_RETURN_IF_ERROR(forward.queue_logits(i, width));
    sampled = true;
  }
  if (sampled || read) TROIKA_RETURN_IF_ERROR(forward.finish());
  return sampled ? sample(forward, depth, width, spread) : ok();
}

Status DraftChains::sample(Forward& forward, int64_t depth, int64_t width, const Spread& spread) {
  for (int64_t i = 0; i < active_at(depth); i++) {
    Chain& chain = chains_[static_cast<size_t>(i)];
    if (!chain.sampler) continue;
    const int64_t position = std::ssize(chain.request->sequence->tokens) + depth;
    TokenId token = chain.sampler->sample(spread(forward.logits(i, width)), position, scratch_);
    if (token == kNoToken) token = TokenId{0};  // the launch wants one; the grammar cuts it off
    chain.sampler->emit(token, scratch_);
    drafted_[static_cast<size_t>(depth * size() + i)] = static_cast<int32_t>(token);
    TROIKA_RETURN_IF_ERROR(forward.replace_argmax(i, token));
  }
  return ok();
}

Status DraftChains::end(Forward& forward) {
  TROIKA_RETURN_IF_ERROR(forward.finish());
  for (int64_t i = 0; i < size(); i++)
    for (int64_t depth = 0; depth < request(i).depth; depth++)
      request(i).tokens.push_back(token(i, depth));
  return ok();
}

}  // namespace troika
