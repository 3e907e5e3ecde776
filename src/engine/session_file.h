// A sequence in a file: its tokens, and what the device holds of it, section by section as the
// device arranges it. Little endian:
//
//   "TROIKAS1"  version u32  flags u32 (1: the draft head is as far as the trunk)
//   model u64   tokens i64   computed i64   replay i32   sections u32
//   layout string (u64 bytes, then they)     what arranged the sections
//   sections x {name string, units i64, unit bytes i64}
//   tokens x i32
//   the sections' bytes, one after the other
//   XXH64, seed 0, of all before it
#pragma once

#include <xxhash.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/ids.h"
#include "core/mapped_file.h"
#include "core/output_file.h"
#include "core/result.h"
#include "gguf/file.h"

namespace troika {

/// Tells models apart that look alike: the names, types and shapes of all tensors and some bytes of
/// each. Cost: a page or two of each tensor is read.
uint64_t model_fingerprint(const gguf::File& file);

/// The units of one state.
struct SessionSection {
  std::string name;
  int64_t units = 0;
  int64_t unit_bytes = 0;
  int64_t bytes() const { return units * unit_bytes; }
  bool operator==(const SessionSection&) const = default;
};

struct SessionHeader {
  uint64_t model = 0;           // model_fingerprint()
  std::string layout;           // kind of device and KV type
  std::vector<TokenId> tokens;  // of the text
  int64_t computed = 0;         // of them; 1 ... tokens
  int32_t replay = 0;           // computed tokens that are only in the logs
  bool draft_head = false;      // it has read as far as the trunk
  std::vector<SessionSection> sections;
};

/// Writes a session file from front to back; it appears when it is whole.
class SessionWriter {
 public:
  /// Errors: as OutputFile::create().
  static Result<SessionWriter> create(const std::string& path, const SessionHeader& header);

  /// The next bytes of the sections.
  Status write(std::span<const std::byte> bytes);

  /// Ends the file behind the last section.
  Status commit();

 private:
  struct FreeHash {
    void operator()(XXH64_state_t* state) const { XXH64_freeState(state); }
  };
  explicit SessionWriter(OutputFile file);

  OutputFile file_;
  std::unique_ptr<XXH64_state_t, FreeHash> hash_;
};

/// A session file that was read: whole, and of consistent lengths. Whether it suits a model and an
/// engine is asked when a text goes on from it.
class SessionFile {
 public:
  /// Errors: not_found; corrupt — truncated, altered, or something else altogether; unsupported — a
  /// later version.
  static Result<SessionFile> open(const std::string& path);

  const SessionHeader& header() const { return header_; }
  /// The bytes of a section, by its place in the header.
  std::span<const std::byte> section(size_t number) const { return data_[number]; }
  const std::string& name() const { return name_; }

 private:
  SessionFile(std::string name, MappedFile file) : name_(std::move(name)), file_(std::move(file)) {}
  Status parse();

  std::string name_;
  MappedFile file_;
  SessionHeader header_;
  std::vector<std::span<const std::byte>> data_;
};

}  // namespace troika
