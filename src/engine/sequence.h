// One text being written: its tokens, what of it is computed, and where its states lie.
//
// Positions. tokens holds prompt and answer. The trunk has computed [0, computed); rows behind that
// are drafts that were refused or tokens not read yet. `replay` tokens before `computed` are only
// in the recurrent states' log. The draft head has keys and values for [0, head_computed). While
// answering, tokens.size() == computed + 1: the last token was chosen but not read.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/ids.h"
#include "engine/draft_statistics.h"
#include "engine/engine_statistics.h"
#include "engine/pages.h"
#include "engine/sampler.h"

namespace troika {

/// Why a sequence ended: a token that ends texts or a grammar that is at its end, a stop string,
/// tokens_end, cancel(), its time, a grammar that no token of the vocabulary could go on with.
enum class FinishReason : uint8_t { none, stop, stop_string, length, cancelled, expired, no_token };

/// The blocks of kBlockRows ids that a text holds tokens of; see DraftVocabulary.
struct SeenBlocks {
  std::vector<bool> blocks;
  int64_t tokens = 0;  // of the text, looked at so far
};

/// What the prefix cache had of a text when it was looked for last.
struct CachedTokens {
  int64_t version = -1;  // of the cache
  int64_t size = 0;      // of the text
  int64_t tokens = 0;
};

struct Sequence {
  SeqId id{};
  std::vector<TokenId> tokens;
  int64_t prompt_tokens = 0;
  int64_t read_end = 0;  // tokens that are read before it writes: its prompt, or, where it was set
                         // aside while it wrote, all but the last
  int64_t tokens_end = 0;  // size of `tokens` at which it ends
  std::optional<Sampler> sampler;
  bool stop_at_end_tokens = true;

  TenantId tenant{};
  ScopeId scope{};            // that may read its pages
  bool use_cache = true;      // where there is one
  int64_t cached_tokens = 0;  // of the prompt, which were not computed
  mutable CachedTokens peeked;
  std::vector<PageId> pages;
  int32_t slot = -1;  // -1: it waits
  int64_t computed = 0;
  int32_t replay = 0;
  int64_t head_computed = 0;
  SeenBlocks seen_blocks;

  FinishReason finish = FinishReason::none;
  int32_t stop_string = -1;  // the number of that which ended it
  DraftStatistics drafts;
  TextTimes times;

  /// Whether all there was to read is read: it writes.
  bool answering() const { return computed >= read_end; }
  int64_t tokens_left() const { return tokens_end - std::ssize(tokens); }
};

}  // namespace troika
