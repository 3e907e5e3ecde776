// Drafts with the model's own multi-token-prediction head. Its cell p holds (token p, hidden p - 1)
// in a KV cache of its own, in the same pages; the last cell gives the first draft, and each
// further draft reads the head's own hidden state. Source: arXiv 2412.19437, section 2.2.
#pragma once

#include <optional>
#include <vector>

#include "engine/draft_chains.h"
#include "engine/draft_vocabulary.h"
#include "engine/drafter.h"
#include "engine/forward.h"

namespace troika {

/// While a prompt is read, only the head's keys and values are computed. After a verification the
/// cells of accepted tokens are written together with the next draft, from the trunk's hidden
/// states, so refused ones never are.
class MtpDrafter final : public Drafter {
 public:
  /// @param forward  of a model with a draft head; borrowed.
  /// @param tokens  vocabulary of the tokenizer; rows of logits behind it are no tokens.
  /// @param end_tokens  that end a text, and so can always be drafted.
  MtpDrafter(Forward& forward, int64_t tokens, std::span<const TokenId> end_tokens);

  DraftClass draft_class() const override { return DraftClass::mtp; }
  DraftOffer offer(const Sequence& sequence, const SpeculationOptions& options) override;
  Status propose(std::span<DraftRequest> requests) override;
  Status follow(std::span<const FollowedRows> rows) override;
  void forget(const Sequence&) override {}
  bool uses_head() const override { return true; }
  Status settle(Sequence& sequence) override;

 private:
  void add_cells(const FollowedRows& rows);
  int32_t hidden_before(const FollowedRows& rows, int64_t position) const;
  void add_first_step();
  void add_chained_step(int64_t depth);
  Status name_rows();
  bool rows_are_tokens() const;
  std::span<const float> all_rows(std::span<const float> logits);

  Forward& forward_;
  int64_t tokens_;
  DraftChains chains_;
  std::vector<int32_t> output_units_;
  std::optional<DraftVocabulary> vocabulary_;  // where drafts are chosen from a part of it
  std::span<const int32_t> named_rows_;
  std::vector<const Sequence*> sequences_;
  std::vector<float> spread_;  // [tokens_]
};

}  // namespace troika
