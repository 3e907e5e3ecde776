#include "engine/scripted_drafter.h"

#include <utility>

namespace troika {

ScriptedDrafter::ScriptedDrafter(std::vector<TokenId> text, int64_t vocab, Script script)
    : text_(std::move(text)), vocab_(vocab), script_(std::move(script)) {}

Status ScriptedDrafter::propose(std::span<DraftRequest> requests) {
  for (DraftRequest& request : requests) {
    request.tokens.clear();
    for (int64_t i = 0; i < request.depth; i++) {
      const int64_t position = std::ssize(request.sequence->tokens) + i;
      const TokenId right =
          position < std::ssize(text_) ? text_[static_cast<size_t>(position)] : TokenId{0};
      const bool wanted_right = position < std::ssize(text_) && script_(position, i);
      const auto wrong =
          static_cast<TokenId>((static_cast<int64_t>(right) + 1 + position % 7) % vocab_);
      request.tokens.push_back(wanted_right ? right : wrong);
    }
  }
  return ok();
}

DraftOffer ScriptedDrafter::offer(const Sequence&, const SpeculationOptions&) {
  return {.source = DraftSource::mtp, .depth_max = kDraftTokensMax};
}

Status ScriptedDrafter::follow(std::span<const FollowedRows>) {
  return ok();
}

}  // namespace troika
