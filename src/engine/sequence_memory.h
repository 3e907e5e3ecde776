// What a text has in device memory: its pages, and through the prefix cache what earlier texts left
// there. A text begins where the cache lets it, takes pages as it grows, and leaves what it
// computed behind.
//
// Hidden rows. The draft head's next cell reads the row before it. While a prompt is being read
// that row lies in HiddenUnits::pending, later in the ring; a checkpoint holds it beside the
// states.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "engine/forward.h"
#include "engine/pages.h"
#include "engine/prefix_cache.h"
#include "engine/sequence.h"
#include "engine/speculation.h"
#include "engine/stored_prefixes.h"

namespace troika {

struct CacheOptions {
  bool on = false;
  int64_t pages = 0;               // besides those that sequences may need all at once
  int64_t checkpoint_bytes = 0;    // for models that go on at checkpoints only
  int64_t interval_tokens = 2048;  // between checkpoints inside a prompt
  bool poison = false;             // for tests: every page is not a number before it is written
  /// Where pages and checkpoints go that are dropped to make room, up to `disk_bytes`; empty:
  /// nowhere. See PrefixStore.
  std::string disk_folder = {};
  int64_t disk_bytes = 0;
  std::function<void(const std::string& line)> on_disk_warning = {};
};

/// Checkpoint units that the budget of `options` buys for a model.
int64_t checkpoints_of(const CacheOptions& options, const Model& model, const StateOptions& states);

/// Thread: engine. Nothing here may be called between the gathering of a step and its end.
class SequenceMemory {
 public:
  /// `forward` and `speculation` are borrowed.
  /// @param store  for what the cache drops; null: none.
  SequenceMemory(Forward& forward, Speculation& speculation, const CacheOptions& options,
                 std::unique_ptr<PrefixStore> store = nullptr);

  /// Lets `s`, which holds nothing, go on behind what is cached of its tokens; at least one token
  /// is left to compute. Sets cached_tokens, computed and what belongs to it.
  Status begin(Sequence& s);

  /// Tokens of `s` that begin() would find now. Cost: a look into the cache if it, or the text, has
  /// changed since it was asked last.
  int64_t cached_tokens(const Sequence& s) const;

  /// Takes pages until those of `s` cover `tokens` tokens, dropping cached ones where it must.
  /// Errors: exhausted — nothing was taken.
  Status cover(Sequence& s, int64_t tokens);

  /// Rows of its prompt that `s` may bring to a step: where a checkpoint is due, a step must end.
  int64_t rows_to_stop(const Sequence& s) const;

  /// Up to where `reader`, which reads its prompt, will leave in the cache what a text can use that
  /// has its first `tokens` tokens in common with it; 0: nothing that is not there yet.
  int64_t will_keep(const Sequence& reader, int64_t tokens) const;

  /// Told of rows of a prompt, after the drafter has followed them.
  Status read(const FollowedRows& rows);

  /// Leaves what is computed of `s` in the cache; `s` goes on or is released.
  Status keep(Sequence& s);

  /// Gives back all that `s` holds.
  void release(Sequence& s) { pages_.release(s.pages); }

  /// Pages that `tenant` could take: the free ones, and what the cache would drop for them.
  int64_t pages_available(TenantId tenant) const;
  /// Pages that only `s` holds.
  int64_t pages_freed(const Sequence& s) const;

  const Pages& pages() const { return pages_; }
  /// Null where nothing goes to disk.
  const StoredPrefixes* stored() const { return stored_.get(); }

  /// Null where the cache is off.
  PrefixCache* cache() { return cache_.get(); }

 private:
  bool caches(const Sequence& s) const { return cache_ != nullptr && s.use_cache; }
  bool needs_checkpoint() const { return forward_.info().recurrent || uses_head_; }
  int64_t interval(int64_t prompt_tokens) const;
  bool is_stop(int64_t position, int64_t prompt_tokens) const;
  Status copy_tail(Sequence& s, int64_t tokens);
  Status load(Sequence& s);
  Status load_pages(Sequence& s, int64_t known, int64_t pages);

  Forward& forward_;
  Speculation& speculation_;
  bool uses_head_;
  CacheOptions options_;
  Pages pages_;
  std::unique_ptr<StoredPrefixes> stored_;
  std::unique_ptr<PrefixCache> cache_;
  std::vector<PageId> foreign_;
};

}  // namespace troika
