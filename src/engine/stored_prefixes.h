// Beginnings of texts between device and disk: pages and checkpoints that the prefix cache drops
// are written to a PrefixStore, and read back when a text begins like them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/result.h"
#include "engine/forward.h"
#include "engine/prefix_cache.h"
#include "engine/prefix_store.h"

namespace troika {

/// Thread: engine. Not between the gathering of a step and its end.
class StoredPrefixes final : public DropListener {
 public:
  /// `forward` is borrowed.
  StoredPrefixes(Forward& forward, std::unique_ptr<PrefixStore> store)
      : forward_(forward), store_(std::move(store)) {}

  void dropping(const DroppedText& text) override;

  /// How many pages of `text` could be there, the first `known` of which are: as far as files go
  /// without a gap.
  /// @param to_state  no further than to the last one with a state behind it; 0: there is none.
  int64_t reach(const CachedText& text, int64_t known, bool to_state) const;

  /// Writes page `index` of `text` to `page`. False: it cannot be had any more.
  Result<bool> load_page(const CachedText& text, int64_t index, PageId page);

  /// The state behind the last token of `text`, which fills whole pages; nothing if it cannot be
  /// had any more. And its way to a checkpoint unit.
  std::optional<StoredBytes> read_state(const CachedText& text);
  Status load_state(const StoredBytes& state, int32_t checkpoint);

  const PrefixStore& store() const { return *store_; }
  int64_t pages_loaded() const { return pages_loaded_; }

 private:
  std::vector<std::byte> read_units(bool of_pages, int64_t page, int32_t checkpoint);
  Status write_units(bool of_pages, int64_t page, int32_t checkpoint,
                     std::span<const std::byte> bytes);
  int64_t units_bytes(bool of_pages) const;
  int64_t unit_of(size_t state, int64_t page, int32_t checkpoint) const;
  bool is_page(size_t state) const;

  Forward& forward_;
  std::unique_ptr<PrefixStore> store_;
  int64_t pages_loaded_ = 0;
};

}  // namespace troika
