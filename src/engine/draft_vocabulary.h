// Which rows of a large vocabulary drafts are chosen from. A draft head's product with the whole
// output matrix costs more than the head itself; most texts are written with few of its rows.
//
// The list is made of the lowest ids (merges are numbered as they are learned, the most frequent
// first), the tokens that end texts, and what the sequences of the step hold already, in whichever
// script or subject they are. It decides what can be drafted, never what is answered.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/ids.h"
#include "engine/sequence.h"

namespace troika {

class DraftVocabulary {
 public:
  /// A list of `blocks` >= 1 blocks of kBlockRows rows out of the `tokens` ids that exist.
  DraftVocabulary(int64_t blocks, int64_t tokens, std::span<const TokenId> end_tokens);

  /// Whether enough ids exist that every row of the list is a token.
  bool only_tokens() const { return blocks_ <= whole_blocks_; }

  /// Looks at what `sequence` has come to hold since the last call.
  void note(Sequence& sequence);

  /// The list for drafts of these sequences, ascending. Blocks of more sequences go first where
  /// there are too many. Cost: O(vocabulary / 16) a sequence where one of them has come to hold a
  /// new block or there are others than before, else O(sequences).
  std::span<const int32_t> choose(std::span<const Sequence* const> sequences);

 private:
  void take(int64_t block);
  void make_list(std::span<const Sequence* const> sequences);

  int64_t blocks_;
  int64_t whole_blocks_;  // whose rows are all tokens
  std::vector<int32_t> always_;
  std::vector<bool> taken_;
  int64_t taken_count_ = 0;
  std::vector<int32_t> votes_;
  std::vector<int32_t> wanted_;
  std::vector<int32_t> list_;
  std::vector<SeqId> listed_;  // the sequences that it is for
  bool new_blocks_ = true;     // since it was made
};

}  // namespace troika
