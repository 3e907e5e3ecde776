#include "engine/prefix_store.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "core/mapped_file.h"
#include "core/output_file.h"

namespace troika {
namespace {

constexpr std::array<char, 8> kMagic = {'T', 'R', 'O', 'I', 'K', 'A', 'P', '1'};
constexpr int64_t kHashBytes = sizeof(uint64_t);

template <typename T>
void append(std::vector<std::byte>& to, const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  to.insert(to.end(), bytes.begin(), bytes.end());
}

void append(std::vector<std::byte>& to, std::span<const std::byte> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace

Result<std::unique_ptr<PrefixStore>> PrefixStore::open(PrefixStoreOptions options) {
  if (options.bytes_max < 0)
    return fail(ErrorCode::invalid_argument,
                "the limit of the cache on disk is {}, wanted 0 or more", options.bytes_max);
  TROIKA_TRY(ScratchFolder folder, ScratchFolder::create(options.folder));
  return std::unique_ptr<PrefixStore>(new PrefixStore(std::move(options), std::move(folder)));
}

PrefixStore::Key PrefixStore::key_of(const StoredText& text) {
  return XXH64(&text.hash, sizeof text.hash, static_cast<uint64_t>(text.kind));
}

std::string PrefixStore::path_of(Key key) const {
  return fmt::format("{}/{:016x}", folder_.path(), key);
}

void PrefixStore::warn(const std::string& line) const {
  if (options_.on_warning) options_.on_warning(line);
}

/// All before the bytes.
std::vector<std::byte> PrefixStore::head_of(const StoredText& text,
                                            const StoredBytes& content) const {
  std::vector<std::byte> head;
  append(head, kMagic);
  append(head, options_.model);
  append(head, static_cast<int64_t>(text.scope));
  append(head, static_cast<int32_t>(text.kind));
  append(head, content.replay);
  append(head, static_cast<int64_t>(text.tokens.size()));
  append(head, static_cast<int64_t>(content.bytes.size()));
  append(head, static_cast<uint64_t>(options_.layout.size()));
  append(head, std::as_bytes(std::span(options_.layout)));
  append(head, std::as_bytes(text.tokens));
  return head;
}

Status PrefixStore::write(const std::string& path, std::span<const std::byte> head,
                          const StoredBytes& content) const {
  uint64_t hash = XXH64(head.data(), head.size(), 0);
  hash = XXH64(content.bytes.data(), content.bytes.size(), hash);
  TROIKA_TRY(OutputFile file, OutputFile::create(path, OutputFile::Access::owner));
  TROIKA_RETURN_IF_ERROR(file.write(head));
  TROIKA_RETURN_IF_ERROR(file.write(content.bytes));
  TROIKA_RETURN_IF_ERROR(file.write(std::as_bytes(std::span(&hash, 1))));
  return file.commit();
}

void PrefixStore::put(const StoredText& text, const StoredBytes& content) {
  const Key key = key_of(text);
  if (const auto there = files_.find(key); there != files_.end()) {
    there->second.last_use = clock_++;
    return;
  }
  const std::vector<std::byte> head = head_of(text, content);
  const int64_t bytes = std::ssize(head) + std::ssize(content.bytes) + kHashBytes;
  if (!make_room(bytes)) return;
  if (const Status written = write(path_of(key), head, content); !written.ok())
    return warn(written.error().message());
  files_[key] = {.scope = text.scope, .bytes = bytes, .last_use = clock_++};
  scope_bytes_[text.scope] += bytes;
  bytes_ += bytes;
}

/// Reads a file whose head must be the one that was written: all but the replay is known.
Result<StoredBytes> PrefixStore::read(const std::string& path, const StoredText& text) const {
  TROIKA_TRY(const MappedFile file, MappedFile::open(path));
  const auto all = file.bytes();
  constexpr size_t kReplayAt = kMagic.size() + 2 * sizeof(int64_t) + sizeof(int32_t);
  constexpr size_t kBytesAt = kReplayAt + sizeof(int32_t) + sizeof(int64_t);
  StoredBytes content;
  const size_t least = head_of(text, content).size() + static_cast<size_t>(kHashBytes);
  if (all.size() < least) return fail(ErrorCode::corrupt, "{}: truncated", path);
  std::memcpy(&content.replay, all.data() + kReplayAt, sizeof content.replay);
  int64_t bytes = 0;
  std::memcpy(&bytes, all.data() + kBytesAt, sizeof bytes);
  if (bytes != static_cast<int64_t>(all.size() - least))
    return fail(ErrorCode::corrupt, "{}: {} bytes, wanted {}", path, all.size() - least, bytes);
  content.bytes.assign(all.end() - kHashBytes - bytes, all.end() - kHashBytes);
  const std::vector<std::byte> head = head_of(text, content);
  uint64_t wanted = XXH64(head.data(), head.size(), 0);
  wanted = XXH64(content.bytes.data(), content.bytes.size(), wanted);
  uint64_t got = 0;
  std::memcpy(&got, all.data() + all.size() - kHashBytes, sizeof got);
  if (!std::ranges::equal(head, all.first(head.size())) || got != wanted)
    return fail(ErrorCode::corrupt, "{}: not what was written there", path);
  return content;
}

std::optional<StoredBytes> PrefixStore::get(const StoredText& text) {
  const Key key = key_of(text);
  const auto there = files_.find(key);
  if (there == files_.end() || there->second.scope != text.scope) return std::nullopt;
  Result<StoredBytes> content = read(path_of(key), text);
  if (content.ok()) {
    there->second.last_use = clock_++;
    return std::move(*content);
  }
  warn(content.error().message());
  remove(key);
  return std::nullopt;
}

bool PrefixStore::make_room(int64_t bytes) {
  if (bytes > options_.bytes_max) return false;
  while (bytes_ + bytes > options_.bytes_max) {
    const auto largest =
        std::ranges::max_element(scope_bytes_, {}, [](const auto& scope) { return scope.second; });
    auto oldest = files_.end();
    for (auto at = files_.begin(); at != files_.end(); ++at)
      if (at->second.scope == largest->first &&
          (oldest == files_.end() || at->second.last_use < oldest->second.last_use))
        oldest = at;
    if (oldest == files_.end()) return false;
    remove(oldest->first);
  }
  return true;
}

void PrefixStore::remove(Key key) {
  const auto file = files_.find(key);
  std::error_code ignored;  // it may be gone already
  std::filesystem::remove(path_of(key), ignored);
  bytes_ -= file->second.bytes;
  scope_bytes_[file->second.scope] -= file->second.bytes;
  files_.erase(file);
}

void PrefixStore::forget(ScopeId scope) {
  std::vector<Key> keys;
  for (const auto& [key, file] : files_)
    if (file.scope == scope) keys.push_back(key);
  for (const Key key : keys) remove(key);
}

}  // namespace troika
