// The ids of words seen before in the same text. Most words of a text are repetitions; looking one
// up is ten times cheaper than merging it again.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "text/string_index.h"

namespace troika::text {

/// Bounded: once full it keeps what it has. One thread.
class WordCache {
 public:
  static constexpr size_t kWordBytesMax = 48;    // longer words rarely come twice
  static constexpr size_t kWordsMax = 1u << 16;  // a few MB

  /// Appends the ids of `word` to `ids` if it was added before; says whether.
  bool append(std::string_view word, std::vector<TokenId>& ids) const {
    if (word.size() > kWordBytesMax) return false;
    const int32_t found = index_.find(word);
    if (found == StringIndex::kNone) return false;
    const Entry& entry = entries_[found];
    ids.insert(ids.end(), ids_.begin() + entry.first, ids_.begin() + entry.first + entry.count);
    return true;
  }

  /// Remembers that `word` (not known yet) is the ids from `first` on in `ids`. Copies both.
  void add(std::string_view word, const std::vector<TokenId>& ids, size_t first) {
    if (word.size() > kWordBytesMax || entries_.size() == kWordsMax) return;
    index_.add(keep(word), static_cast<int32_t>(entries_.size()));
    entries_.push_back(
        {static_cast<uint32_t>(ids_.size()), static_cast<uint32_t>(ids.size() - first)});
    ids_.insert(ids_.end(), ids.begin() + first, ids.end());
  }

 private:
  static constexpr size_t kChunkBytes = 4096;
  struct Entry {
    uint32_t first, count;  // in ids_
  };

  // A copy of `word` that stays where it is: chunks are never moved.
  std::string_view keep(std::string_view word) {
    if (chunks_.empty() || used_ + word.size() > kChunkBytes) {
      chunks_.push_back(std::make_unique<char[]>(kChunkBytes));
      used_ = 0;
    }
    char* place = chunks_.back().get() + used_;
    word.copy(place, word.size());
    used_ += word.size();
    return {place, word.size()};
  }

  StringIndex index_;
  std::vector<Entry> entries_;
  std::vector<TokenId> ids_;
  std::vector<std::unique_ptr<char[]>> chunks_;
  size_t used_ = 0;  // of the last chunk
};

}  // namespace troika::text
