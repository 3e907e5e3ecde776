// The files that a leader and its followers have open alike: a weight goes from one to the other as
// a place in them, never as bytes.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "device/remote/messages.h"
#include "gguf/file.h"

namespace troika::remote {

class WeightFiles {
 public:
  /// Adds the next file; all sides add the same files in the same order. It must outlive this.
  void add(const gguf::File& file);

  /// Where `data` lies. Errors: invalid_argument — in no tensor of these files.
  Result<FilePlace> find(std::span<const std::byte> data, const std::string& name) const;

  /// What lies at `place`. Errors: corrupt — there is no such place.
  Result<std::span<const std::byte>> at(const FilePlace& place) const;

  /// Of a place that at() knows.
  const gguf::File& file(const FilePlace& place) const {
    return *files_[static_cast<size_t>(place.file)];
  }

 private:
  std::vector<const gguf::File*> files_;
};

}  // namespace troika::remote
