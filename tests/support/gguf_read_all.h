// Asks an open GGUF file everything it can be asked. Tests and the fuzzer share it: whatever a file
// holds, none of this may crash, and what open() promised must be true.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/check.h"
#include "gguf/file.h"
#include "quant/decode.h"

namespace troika::testing {

/// Calls every accessor with every key, wanted type or not. Returns the bytes of text seen, so that
/// no read is idle.
inline size_t read_metadata(const gguf::Metadata& metadata) {
  size_t seen = 0;
  for (const gguf::Value& value : metadata.values()) {
    const std::string_view key = value.key;
    TROIKA_CHECK(metadata.find(key) == &value);
    seen += gguf::value_text(value).size() + value.type_text().size();
    const bool scalar = metadata.integer(key).ok() || metadata.real(key).ok() ||
                        metadata.boolean(key).ok() || metadata.string(key).ok();
    TROIKA_CHECK(!(scalar && value.is_array));
    seen += metadata.string_or(key, "").ok() ? metadata.string_or(key, "").value().size() : 0;
    const auto integers = metadata.integers(key);
    const auto reals = metadata.reals(key);
    const auto booleans = metadata.booleans(key);
    const auto strings = metadata.strings(key);
    if (value.is_array && value.count > 0)
      TROIKA_CHECK(booleans.ok() + strings.ok() <= 1 && !(integers.ok() && strings.ok()));
    if (reals.ok()) seen += reals->size();
    if (strings.ok())
      for (const std::string_view text : *strings)
        seen += static_cast<size_t>(std::count(text.begin(), text.end(), 'a'));
    const auto layers = metadata.integer_per_layer(key, std::min<int64_t>(value.count, 64));
    if (layers.ok()) seen += layers->size();
  }
  return seen;
}

/// Reads the first and last blocks of every tensor, decoded where there is a decoder.
inline float read_tensors(const gguf::File& file) {
  float sum = 0;
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    TROIKA_CHECK(file.find(tensor.name) == &tensor);
    const DTypeInfo& info = dtype_info(tensor.dtype);
    const int64_t elements = tensor.elements();
    TROIKA_CHECK(dtype_bytes(tensor.dtype, elements) == tensor.bytes);
    TROIKA_CHECK(static_cast<int64_t>(tensor.data.size()) == tensor.bytes);
    sum += static_cast<float>(tensor.data.front()) + static_cast<float>(tensor.data.back());
    if (!info.decodes) continue;
    std::vector<float> block(static_cast<size_t>(info.block));
    decode_row(tensor.dtype, tensor.data.data(), block.data(), info.block);
    sum += block.front();
    decode_row(tensor.dtype, tensor.data.data() + tensor.bytes - info.bytes, block.data(),
               info.block);
    sum += block.back();
    const int64_t checked = std::min<int64_t>(elements, 16 * info.block);
    if (!check_finite(tensor.dtype, tensor.data.data(), checked, tensor.name).ok()) sum += 1;
  }
  return sum;
}

}  // namespace troika::testing
