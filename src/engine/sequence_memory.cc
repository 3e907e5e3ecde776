#include "engine/sequence_memory.h"

#include <algorithm>

namespace troika {
namespace {

constexpr std::byte kNotANumber{0xff};

CachedText text_of(const Sequence& s, int64_t tokens) {
  return {s.scope, s.tenant, std::span(s.tokens).first(static_cast<size_t>(tokens))};
}

int64_t last_border(int64_t prompt_tokens) {
  return (prompt_tokens - 1) / kPageTokens * kPageTokens;
}

}  // namespace

int64_t checkpoints_of(const CacheOptions& options, const Model& model,
                       const StateOptions& states) {
  constexpr int64_t kCheckpointsMax = 1 << 16;
  const int64_t bytes = Forward::checkpoint_bytes(model, states);
  if (!options.on || bytes == 0) return 0;
  return std::min(options.checkpoint_bytes / bytes, kCheckpointsMax);
}

SequenceMemory::SequenceMemory(Forward& forward, Speculation& speculation,
                               const CacheOptions& options, std::unique_ptr<PrefixStore> store)
    : forward_(forward),
      speculation_(speculation),
      uses_head_(speculation.uses_head()),
      options_(options),
      pages_(forward.options().pages) {
  if (options.on)
    cache_ = std::make_unique<PrefixCache>(
        pages_, PrefixCacheOptions{.checkpoints = forward.options().checkpoints,
                                   .needs_checkpoint = needs_checkpoint(),
                                   .floor_pages_max = options.pages});
  if (cache_ == nullptr || store == nullptr) return;
  stored_ = std::make_unique<StoredPrefixes>(forward, std::move(store));
  cache_->set_listener(stored_.get());
}

/// Brings what is on disk of the text into the cache, if that is more than the cache has of it.
Status SequenceMemory::load(Sequence& s) {
  if (stored_ == nullptr) return ok();
  const int64_t size = std::ssize(s.tokens);
  const CachedText text = text_of(s, (size - 1) / kPageTokens * kPageTokens);
  cache_->hold_pages(text, s.pages);
  const int64_t known = std::ssize(s.pages);
  const int64_t pages = stored_->reach(text, known, needs_checkpoint());
  Status done = ok();
  if (pages * kPageTokens > cache_->peek(text_of(s, size), size - 1))
    done = load_pages(s, known, pages);
  release(s);
  return done.ok() || done.error().code() == ErrorCode::exhausted ? ok() : done;
}

/// The same, where `s` holds the first `known` pages already.
Status SequenceMemory::load_pages(Sequence& s, int64_t known, int64_t pages) {
  const CachedText text = text_of(s, pages * kPageTokens);
  std::optional<StoredBytes> state;
  if (needs_checkpoint() && !(state = stored_->read_state(text))) return ok();
  TROIKA_RETURN_IF_ERROR(cover(s, pages * kPageTokens));
  for (int64_t i = known; i < pages; i++) {
    TROIKA_TRY(const bool loaded, stored_->load_page(text, i, s.pages[static_cast<size_t>(i)]));
    if (loaded) continue;
    if (!needs_checkpoint()) cache_->insert(text_of(s, i * kPageTokens), s.pages);
    return ok();
  }
  if (!needs_checkpoint()) {
    cache_->insert(text, s.pages);
    return ok();
  }
  const int32_t unit = cache_->insert_checkpoint(text, s.pages, state->replay);
  return unit >= 0 ? stored_->load_state(*state, unit) : ok();
}

Status SequenceMemory::begin(Sequence& s) {
  if (!caches(s)) return ok();
  TROIKA_RETURN_IF_ERROR(load(s));
  const int64_t size = std::ssize(s.tokens);
  const CacheHit hit = cache_->match(text_of(s, size), size - 1, s.pages);
  if (hit.tokens == 0) return ok();
  if (hit.tokens % kPageTokens != 0) {
    const Status copied = copy_tail(s, hit.tokens);
    if (!copied.ok()) {
      release(s);
      return copied.error().code() == ErrorCode::exhausted ? ok() : copied;
    }
  }
  if (hit.checkpoint >= 0) TROIKA_RETURN_IF_ERROR(forward_.restore_state(hit.checkpoint, s.slot));
  s.cached_tokens = hit.tokens;
  s.computed = hit.tokens;
  s.replay = hit.replay;
  s.head_computed = uses_head_ ? hit.tokens : 0;
  // Who writes at once drafts from the ring.
  if (uses_head_ && s.answering())
    return forward_.copy_hidden(forward_.hidden().pending(s.slot),
                                forward_.hidden().kept(s.slot, s.computed - 1));
  return ok();
}

int64_t SequenceMemory::cached_tokens(const Sequence& s) const {
  if (!caches(s)) return 0;
  const int64_t size = std::ssize(s.tokens);
  const CachedTokens now{.version = cache_->version(), .size = size};
  if (s.peeked.version != now.version || s.peeked.size != now.size) {
    s.peeked = now;
    s.peeked.tokens = cache_->peek(text_of(s, size), size - 1);
  }
  return s.peeked.tokens;
}

/// Puts a copy in the place of the last page, of which `s` shares a part.
Status SequenceMemory::copy_tail(Sequence& s, int64_t tokens) {
  const PageId shared = s.pages.back();
  s.pages.pop_back();
  Status done = cover(s, tokens);
  if (done.ok()) done = forward_.copy_page(shared, s.pages.back());
  pages_.drop(shared);
  return done;
}

Status SequenceMemory::cover(Sequence& s, int64_t tokens) {
  const int64_t missing = Pages::missing(s.pages, tokens);
  if (missing <= 0) return ok();
  if (cache_ != nullptr && missing > pages_.free()) cache_->make_room(missing, s.tenant);
  foreign_.clear();
  TROIKA_RETURN_IF_ERROR(pages_.cover(s.pages, tokens, s.scope, foreign_));
  if (options_.poison)
    return forward_.fill_pages(std::span(s.pages).last(static_cast<size_t>(missing)), kNotANumber);
  return forward_.fill_pages(foreign_, std::byte{0});
}

/// At most half of the units go to one prompt.
int64_t SequenceMemory::interval(int64_t prompt_tokens) const {
  const int64_t parts = std::max<int64_t>(1, forward_.options().checkpoints / 2);
  const int64_t span = options_.interval_tokens * parts;
  return options_.interval_tokens * ((prompt_tokens + span - 1) / span);
}

/// Whether a checkpoint is due at `position` of a prompt. The last page border before its end is
/// such a place: who asks the same again, or with another ending, goes on there.
bool SequenceMemory::is_stop(int64_t position, int64_t prompt_tokens) const {
  return position == last_border(prompt_tokens) || position % interval(prompt_tokens) == 0;
}

int64_t SequenceMemory::rows_to_stop(const Sequence& s) const {
  const int64_t end = s.read_end;
  if (!caches(s) || !needs_checkpoint()) return end - s.computed;
  const int64_t step = interval(end);
  const int64_t next = (s.computed / step + 1) * step;
  return std::min(next, s.computed < last_border(end) ? last_border(end) : end) - s.computed;
}

int64_t SequenceMemory::will_keep(const Sequence& reader, int64_t tokens) const {
  if (!caches(reader) || reader.answering()) return 0;
  const int64_t end = reader.read_end;
  int64_t kept = std::min(tokens, end);
  if (!needs_checkpoint()) {
    kept = kept / kPageTokens * kPageTokens;
  } else if (kept < end) {
    const int64_t step = interval(end);
    kept = std::max(kept / step * step, last_border(end) <= kept ? last_border(end) : 0);
  }
  return kept > reader.computed ? kept : 0;
}

Status SequenceMemory::read(const FollowedRows& rows) {
  Sequence& s = *rows.sequence;
  if (!caches(s)) return ok();
  if (!s.answering() && uses_head_) {
    const int32_t last = forward_.hidden().scratch(rows.first_row + rows.rows - 1);
    TROIKA_RETURN_IF_ERROR(forward_.copy_hidden(last, forward_.hidden().pending(s.slot)));
  }
  const bool due = s.answering() || !needs_checkpoint() || is_stop(s.computed, s.read_end);
  return due ? keep(s) : ok();
}

Status SequenceMemory::keep(Sequence& s) {
  if (!caches(s) || s.computed == 0) return ok();
  TROIKA_RETURN_IF_ERROR(speculation_.settle(s));
  const CachedText text = text_of(s, s.computed);
  if (!needs_checkpoint()) {
    cache_->insert(text, s.pages);
    return ok();
  }
  const int32_t unit = cache_->insert_checkpoint(text, s.pages, s.replay);
  if (unit < 0) return ok();
  const int32_t pending = s.answering() ? forward_.hidden().kept(s.slot, s.computed - 1)
                                        : forward_.hidden().pending(s.slot);
  return forward_.save_state(s.slot, pending, unit);
}

int64_t SequenceMemory::pages_available(TenantId tenant) const {
  return pages_.free() + (cache_ != nullptr ? cache_->droppable(tenant) : 0);
}

int64_t SequenceMemory::pages_freed(const Sequence& s) const {
  return std::ranges::count_if(s.pages, [this](PageId page) { return pages_.holders(page) == 1; });
}

}  // namespace troika
