// Beginnings of texts on disk: pages and states that the prefix cache dropped to make room, each in
// a file of this process, within a limit of bytes. It knows no device.
//
// A file is found by the hash of its text, chained from page to page and begun with its scope, and
// holds that text whole: it is used only where scope, model, layout, text and checksum are right.
//
//   "TROIKAP1"  model u64  scope i64  kind i32 (0: a page, 1: a state)  replay i32
//   tokens i64  bytes i64  layout string (u64 bytes, then they)
//   tokens x i32   the bytes   their XXH64, whose seed is the XXH64, seed 0, of all before them
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/ids.h"
#include "core/result.h"
#include "core/scratch_folder.h"
#include "engine/pages.h"

namespace troika {

struct PrefixStoreOptions {
  std::string folder;     // that files lie in, in a folder of their own
  int64_t bytes_max = 0;  // of all files together
  uint64_t model = 0;     // model_fingerprint()
  std::string layout;     // kind of device and KV type
  /// Told of files that are damaged or cannot be written: the text is computed instead. May be
  /// empty.
  std::function<void(const std::string& line)> on_warning;
};

enum class StoredKind : int32_t { page, state };

/// What is kept behind the last of `tokens`.
struct StoredText {
  ScopeId scope{};
  StoredKind kind = StoredKind::page;
  uint64_t hash = 0;  // of the scope and the tokens
  std::span<const TokenId> tokens;
};

struct StoredBytes {
  int32_t replay = 0;  // as CacheHit has it
  std::vector<std::byte> bytes;
};

/// Thread: engine.
class PrefixStore {
 public:
  /// Errors: not_found — the folder; invalid_argument — a limit below 0.
  static Result<std::unique_ptr<PrefixStore>> open(PrefixStoreOptions options);

  /// Whether there is a file for it; its content is looked at by get().
  bool has(const StoredText& text) const { return files_.contains(key_of(text)); }

  /// Writes a file if there is none, after others were removed where the limit wants it: of the
  /// scope that has most bytes, the least recently used. What cannot be written is not kept.
  void put(const StoredText& text, const StoredBytes& content);

  /// Reads one; nothing if it is not there or not what was written.
  std::optional<StoredBytes> get(const StoredText& text);

  /// Removes all of a scope.
  void forget(ScopeId scope);

  int64_t bytes() const { return bytes_; }
  int64_t files() const { return std::ssize(files_); }
  const std::string& folder() const { return folder_.path(); }

 private:
  struct File {
    ScopeId scope{};
    int64_t bytes = 0;
    int64_t last_use = 0;
  };
  using Key = uint64_t;

  PrefixStore(PrefixStoreOptions options, ScratchFolder folder)
      : options_(std::move(options)), folder_(std::move(folder)) {}
  static Key key_of(const StoredText& text);
  std::string path_of(Key key) const;
  std::vector<std::byte> head_of(const StoredText& text, const StoredBytes& content) const;
  Status write(const std::string& path, std::span<const std::byte> head,
               const StoredBytes& content) const;
  Result<StoredBytes> read(const std::string& path, const StoredText& text) const;
  bool make_room(int64_t bytes);
  void remove(Key key);
  void warn(const std::string& line) const;

  PrefixStoreOptions options_;
  ScratchFolder folder_;
  std::unordered_map<Key, File> files_;
  std::unordered_map<ScopeId, int64_t> scope_bytes_;
  int64_t bytes_ = 0;
  int64_t clock_ = 0;
};

}  // namespace troika
