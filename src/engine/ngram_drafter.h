// Drafts what followed the same words earlier in the same text: quotations, code that is edited,
// names. It launches nothing. Source: arXiv 2304.04487 (LLMA), with matches of any length.
//
// Each sequence has an index of its own, which no other ever reads: positions chained by the hash
// of the `ngram_min` tokens that end there, the latest first.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/drafter.h"

namespace troika {

class NgramDrafter final : public Drafter {
 public:
  explicit NgramDrafter(int64_t sequences_max);

  DraftClass draft_class() const override { return DraftClass::ngram; }

  /// Finds the longest match of the end of the text among the latest kPlacesMax places that share
  /// its last ngram_min tokens; of equally long ones the latest. Cost: O(tokens since the last call
  /// + kPlacesMax * ngram_max). Memory: at most 12 bytes a token of the sequence's limit, allocated
  /// with its first call.
  DraftOffer offer(const Sequence& sequence, const SpeculationOptions& options) override;

  /// What followed the match. Where that reaches the end of the text, it goes on with the drafts
  /// themselves: a text that repeats a phrase goes on repeating it.
  Status propose(std::span<DraftRequest> requests) override;

  Status follow(std::span<const FollowedRows> rows) override;
  void forget(const Sequence& sequence) override;

  static constexpr int64_t kPlacesMax = 32;

 private:
  struct Index {
    SeqId id{-1};
    int64_t gram = 0;           // tokens hashed
    int64_t indexed = 0;        // positions that may be found
    std::vector<int32_t> last;  // of each hash: the latest position that it ends at; -1: none
    std::vector<int32_t> link;  // of each position: the one before it of the same hash
    int64_t match = -1;         // position that the match found last ends at
    int64_t match_tokens = 0;   // size of the text at that time
  };

  Index& index_of(const Sequence& sequence, int64_t gram);

  std::vector<Index> indices_;  // by slot
};

}  // namespace troika
