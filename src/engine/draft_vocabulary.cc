#include "engine/draft_vocabulary.h"

#include <algorithm>

#include "graph/batch.h"

namespace troika {
namespace {

int64_t block_of(TokenId id) {
  return static_cast<int64_t>(id) / kBlockRows;
}

}  // namespace

DraftVocabulary::DraftVocabulary(int64_t blocks, int64_t tokens,
                                 std::span<const TokenId> end_tokens)
    : blocks_(blocks), whole_blocks_(tokens / kBlockRows) {
  const auto room = static_cast<size_t>(std::max(blocks_, whole_blocks_));
  taken_.resize(room);
  votes_.resize(room);
  wanted_.reserve(room);
  list_.reserve(static_cast<size_t>(blocks_));
  for (const TokenId id : end_tokens)
    if (block_of(id) < whole_blocks_) always_.push_back(static_cast<int32_t>(block_of(id)));
}

void DraftVocabulary::note(Sequence& sequence) {
  SeenBlocks& seen = sequence.seen_blocks;
  seen.blocks.resize(static_cast<size_t>(whole_blocks_));
  for (; seen.tokens < std::ssize(sequence.tokens); seen.tokens++) {
    const int64_t block = block_of(sequence.tokens[static_cast<size_t>(seen.tokens)]);
    if (block >= whole_blocks_ || seen.blocks[static_cast<size_t>(block)]) continue;
    seen.blocks[static_cast<size_t>(block)] = true;
    new_blocks_ = true;
  }
}

void DraftVocabulary::take(int64_t block) {
  if (taken_count_ == blocks_ || taken_[static_cast<size_t>(block)]) return;
  taken_[static_cast<size_t>(block)] = true;
  taken_count_++;
}

void DraftVocabulary::make_list(std::span<const Sequence* const> sequences) {
  std::fill(taken_.begin(), taken_.end(), false);
  std::ranges::fill(votes_, 0);
  taken_count_ = 0;
  wanted_.clear();
  for (const int32_t block : always_) take(block);
  for (int64_t block = 0; block < blocks_ / 2; block++) take(block);
  for (const Sequence* sequence : sequences) {
    const std::vector<bool>& seen = sequence->seen_blocks.blocks;
    for (size_t block = 0; block < seen.size(); block++)
      if (seen[block] && votes_[block]++ == 0) wanted_.push_back(static_cast<int32_t>(block));
  }
  std::ranges::stable_sort(wanted_, std::ranges::greater{},
                           [this](int32_t block) { return votes_[static_cast<size_t>(block)]; });
  for (const int32_t block : wanted_) take(block);
  for (int64_t block = 0; taken_count_ < blocks_; block++) take(block);
  list_.clear();
  for (size_t block = 0; block < taken_.size(); block++)
    if (taken_[block]) list_.push_back(static_cast<int32_t>(block));
}

std::span<const int32_t> DraftVocabulary::choose(std::span<const Sequence* const> sequences) {
  const auto id = [](const Sequence* sequence) { return sequence->id; };
  if (new_blocks_ || !std::ranges::equal(sequences, listed_, {}, id)) {
    make_list(sequences);
    listed_.clear();
    for (const Sequence* sequence : sequences) listed_.push_back(sequence->id);
    new_blocks_ = false;
  }
  return list_;
}

}  // namespace troika
