// One physical GGUF file, parsed: header, pairs, tensor table. gguf/file.h joins shards to a model.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "gguf/file.h"

namespace troika::gguf {

struct Shard {
  Metadata metadata;
  std::vector<TensorInfo> tensors;  // in file order; data inside the bytes that were parsed
};

/// Parses and checks `bytes`; `name` opens every message. Memory and time are bounded by the size
/// of `bytes`. Errors: corrupt, unsupported, as File::open.
Result<Shard> parse_shard(std::span<const std::byte> bytes, const std::string& name);

}  // namespace troika::gguf
