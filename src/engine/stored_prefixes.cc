#include "engine/stored_prefixes.h"

#include <utility>
#include <variant>

namespace troika {
namespace {

/// The first `pages` pages of a text, as the store knows them.
StoredText stored(const CachedText& text, int64_t pages, StoredKind kind, uint64_t hash) {
  return {text.scope, kind, hash, text.tokens.first(static_cast<size_t>(pages * kPageTokens))};
}

std::span<const TokenId> page_of(const CachedText& text, int64_t index) {
  return text.tokens.subspan(static_cast<size_t>(index * kPageTokens),
                             static_cast<size_t>(kPageTokens));
}

uint64_t hash_of(const CachedText& text, int64_t pages) {
  uint64_t hash = root_hash(text.scope);
  for (int64_t i = 0; i < pages; i++) hash = page_hash(page_of(text, i), hash);
  return hash;
}

}  // namespace

bool StoredPrefixes::is_page(size_t state) const {
  return std::holds_alternative<KvState>(forward_.states()[state].spec);
}

int64_t StoredPrefixes::unit_of(size_t state, int64_t page, int32_t checkpoint) const {
  if (is_page(state)) return page;
  return std::holds_alternative<HiddenState>(forward_.states()[state].spec)
             ? forward_.hidden().checkpoint(checkpoint)
             : forward_.options().sequences_max + checkpoint;
}

int64_t StoredPrefixes::units_bytes(bool of_pages) const {
  int64_t bytes = 0;
  for (size_t i = 0; i < forward_.states().size(); i++)
    bytes += is_page(i) == of_pages ? forward_.unit_bytes(i) : 0;
  return bytes;
}

/// Empty where the device fails, which the next step will say.
std::vector<std::byte> StoredPrefixes::read_units(bool of_pages, int64_t page, int32_t checkpoint) {
  std::vector<std::byte> bytes(static_cast<size_t>(units_bytes(of_pages)));
  std::span<std::byte> rest = bytes;
  for (size_t i = 0; i < forward_.states().size(); i++) {
    if (is_page(i) != of_pages) continue;
    const auto unit = rest.first(static_cast<size_t>(forward_.unit_bytes(i)));
    if (!forward_.read_unit(i, unit_of(i, page, checkpoint), unit).ok()) return {};
    rest = rest.subspan(unit.size());
  }
  return bytes;
}

Status StoredPrefixes::write_units(bool of_pages, int64_t page, int32_t checkpoint,
                                   std::span<const std::byte> bytes) {
  for (size_t i = 0; i < forward_.states().size(); i++) {
    if (is_page(i) != of_pages) continue;
    const auto unit = bytes.first(static_cast<size_t>(forward_.unit_bytes(i)));
    TROIKA_RETURN_IF_ERROR(forward_.write_unit(i, unit_of(i, page, checkpoint), unit));
    bytes = bytes.subspan(unit.size());
  }
  return ok();
}

void StoredPrefixes::dropping(const DroppedText& text) {
  const auto put = [&](StoredKind kind, bool of_pages, int32_t replay) {
    const StoredText key{text.scope, kind, text.hash, text.tokens};
    StoredBytes content{.replay = replay, .bytes = {}};
    if (!store_->has(key))
      content.bytes = read_units(of_pages, static_cast<int64_t>(text.page), text.checkpoint);
    if (store_->has(key) || !content.bytes.empty()) store_->put(key, content);
  };
  put(StoredKind::page, true, 0);
  if (text.checkpoint >= 0) put(StoredKind::state, false, text.replay);
}

int64_t StoredPrefixes::reach(const CachedText& text, int64_t known, bool to_state) const {
  const int64_t pages = std::ssize(text.tokens) / kPageTokens;
  int64_t reached = 0;
  uint64_t hash = root_hash(text.scope);
  for (int64_t i = 0; i < pages; i++) {
    hash = page_hash(page_of(text, i), hash);
    if (i >= known && !store_->has(stored(text, i + 1, StoredKind::page, hash))) break;
    if (!to_state || store_->has(stored(text, i + 1, StoredKind::state, hash))) reached = i + 1;
  }
  return reached;
}

Result<bool> StoredPrefixes::load_page(const CachedText& text, int64_t index, PageId page) {
  const uint64_t hash = hash_of(text, index + 1);
  const auto content = store_->get(stored(text, index + 1, StoredKind::page, hash));
  if (!content || std::ssize(content->bytes) != units_bytes(true)) return false;
  TROIKA_RETURN_IF_ERROR(write_units(true, static_cast<int64_t>(page), -1, content->bytes));
  pages_loaded_++;
  return true;
}

std::optional<StoredBytes> StoredPrefixes::read_state(const CachedText& text) {
  const int64_t pages = std::ssize(text.tokens) / kPageTokens;
  auto content = store_->get(stored(text, pages, StoredKind::state, hash_of(text, pages)));
  if (content && std::ssize(content->bytes) != units_bytes(false)) return std::nullopt;
  return content;
}

Status StoredPrefixes::load_state(const StoredBytes& state, int32_t checkpoint) {
  return write_units(false, 0, checkpoint, state.bytes);
}

}  // namespace troika
