// A drafter for tests: it knows the text and is right or wrong as told, so that every way in which
// a verification can end is reached on purpose.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/drafter.h"

namespace troika {

class ScriptedDrafter final : public Drafter {
 public:
  /// Whether a draft shall be right: the one of the token at `position` of the text, number `index`
  /// of its step.
  using Script = std::function<bool(int64_t position, int64_t index)>;

  /// @param text  prompt and answer; drafts beyond its end are wrong.
  /// @param vocab  a wrong draft is another token below this.
  ScriptedDrafter(std::vector<TokenId> text, int64_t vocab, Script script);

  DraftClass draft_class() const override { return DraftClass::mtp; }
  DraftOffer offer(const Sequence& sequence, const SpeculationOptions& options) override;
  Status propose(std::span<DraftRequest> requests) override;
  Status follow(std::span<const FollowedRows> rows) override;
  void forget(const Sequence&) override {}

 private:
  std::vector<TokenId> text_;
  int64_t vocab_;
  Script script_;
};

}  // namespace troika
