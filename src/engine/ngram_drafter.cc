#include "engine/ngram_drafter.h"

#include <algorithm>
#include <bit>

#include "core/check.h"

namespace troika {
namespace {

/// Tokens of a match from which on it counts as medium and as long.
constexpr int64_t kMedium = 4;
constexpr int64_t kLong = 8;

constexpr int64_t kHashesMax = int64_t{1} << 20;

/// The hash of the `gram` tokens that end at `position`, for a table whose size is a power of two.
size_t hash_of(const std::vector<TokenId>& tokens, int64_t position, int64_t gram, size_t hashes) {
  uint64_t hash = 0x9e3779b97f4a7c15;
  for (int64_t i = position - gram + 1; i <= position; i++) {
    hash = (hash ^ static_cast<uint64_t>(tokens[static_cast<size_t>(i)])) * 0xff51afd7ed558ccd;
    hash ^= hash >> 32;
  }
  return static_cast<size_t>(hash) & (hashes - 1);
}

/// How many tokens before and at `a` equal those before and at `b`, up to `most`. a < b.
int64_t match_length(const std::vector<TokenId>& tokens, int64_t a, int64_t b, int64_t most) {
  int64_t length = 0;
  while (length < most && a - length >= 0 &&
         tokens[static_cast<size_t>(a - length)] == tokens[static_cast<size_t>(b - length)])
    length++;
  return length;
}

DraftSource source_of(int64_t length) {
  if (length >= kLong) return DraftSource::ngram_long;
  return length >= kMedium ? DraftSource::ngram_medium : DraftSource::ngram_short;
}

}  // namespace

NgramDrafter::NgramDrafter(int64_t sequences_max) : indices_(static_cast<size_t>(sequences_max)) {}

NgramDrafter::Index& NgramDrafter::index_of(const Sequence& sequence, int64_t gram) {
  Index& index = indices_[static_cast<size_t>(sequence.slot)];
  if (index.id == sequence.id && index.gram == gram) return index;
  const auto room = std::max<int64_t>(sequence.tokens_end, std::ssize(sequence.tokens));
  const auto hashes =
      std::bit_ceil(static_cast<uint64_t>(std::clamp<int64_t>(room, 16, kHashesMax)));
  index.id = sequence.id;
  index.gram = gram;
  index.indexed = gram - 1;
  index.last.assign(hashes, -1);
  index.link.clear();
  index.link.reserve(static_cast<size_t>(room));
  index.link.resize(static_cast<size_t>(gram - 1), -1);
  index.match = -1;
  return index;
}

DraftOffer NgramDrafter::offer(const Sequence& sequence, const SpeculationOptions& options) {
  const std::vector<TokenId>& tokens = sequence.tokens;
  const int64_t end = std::ssize(tokens) - 1;  // the last token
  Index& index = index_of(sequence, options.ngram_min);
  index.match = -1;
  index.match_tokens = std::ssize(tokens);
  for (; index.indexed < end; index.indexed++) {
    int32_t& last = index.last[hash_of(tokens, index.indexed, index.gram, index.last.size())];
    index.link.push_back(last);
    last = static_cast<int32_t>(index.indexed);
  }
  if (end < index.gram) return {.source = DraftSource::ngram_short};
  int64_t longest = index.gram - 1;
  int64_t place = index.last[hash_of(tokens, end, index.gram, index.last.size())];
  for (int64_t i = 0; i < kPlacesMax && place >= 0 && longest < options.ngram_max; i++) {
    const int64_t length = match_length(tokens, place, end, options.ngram_max);
    if (length > longest) {
      longest = length;
      index.match = place;
    }
    place = index.link[static_cast<size_t>(place)];
  }
  return {.source = source_of(longest), .depth_max = index.match >= 0 ? kDraftTokensMax : 0};
}

Status NgramDrafter::propose(std::span<DraftRequest> requests) {
  for (DraftRequest& request : requests) {
    request.tokens.clear();
    const std::vector<TokenId>& tokens = request.sequence->tokens;
    const Index& index = indices_[static_cast<size_t>(request.sequence->slot)];
    TROIKA_CHECK(index.id == request.sequence->id && index.match >= 0 &&
                 index.match_tokens == std::ssize(tokens));
    for (int64_t i = 0; i < request.depth; i++) {
      const int64_t from = index.match + 1 + i;
      const int64_t beyond = from - std::ssize(tokens);
      request.tokens.push_back(beyond < 0 ? tokens[static_cast<size_t>(from)]
                                          : request.tokens[static_cast<size_t>(beyond)]);
    }
  }
  return ok();
}

Status NgramDrafter::follow(std::span<const FollowedRows>) {
  return ok();
}

void NgramDrafter::forget(const Sequence& sequence) {
  Index& index = indices_[static_cast<size_t>(sequence.slot)];
  if (index.id != sequence.id) return;
  index.id = SeqId{-1};
  index.last.clear();  // the memory stays for the next sequence
  index.link.clear();
}

}  // namespace troika
