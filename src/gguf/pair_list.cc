#include "gguf/pair_list.h"

#include <algorithm>

namespace troika::gguf {
namespace {

void append_string(std::vector<std::byte>& bytes, std::string_view text) {
  const uint64_t length = text.size();
  const auto head = std::as_bytes(std::span(&length, 1));
  const auto body = std::as_bytes(std::span(text));
  bytes.insert(bytes.end(), head.begin(), head.end());
  bytes.insert(bytes.end(), body.begin(), body.end());
}

}  // namespace

void PairList::set_string(std::string_view key, std::string_view text) {
  std::vector<std::byte> bytes;
  append_string(bytes, text);
  put(key, ValueType::string, false, 1, bytes);
}

void PairList::set_strings(std::string_view key, std::span<const std::string_view> texts) {
  std::vector<std::byte> bytes;
  for (const std::string_view text : texts) append_string(bytes, text);
  put(key, ValueType::string, true, std::ssize(texts), bytes);
}

void PairList::set_flags(std::string_view key, const std::vector<bool>& flags) {
  std::vector<std::byte> bytes;
  for (const bool flag : flags) bytes.push_back(std::byte{flag});
  put(key, ValueType::boolean, true, std::ssize(flags), bytes);
}

void PairList::set_value(const Value& value) {
  put(value.key, value.type, value.is_array, value.count, value.bytes);
}

void PairList::erase(std::string_view key) {
  std::erase_if(pairs_, [key](const Pair& pair) { return pair.key == key; });
}

std::vector<Value> PairList::values() const {
  std::vector<Value> values;
  values.reserve(pairs_.size());
  for (const Pair& pair : pairs_)
    values.push_back({.key = pair.key,
                      .type = pair.type,
                      .is_array = pair.is_array,
                      .count = pair.count,
                      .bytes = pair.bytes});
  return values;
}

void PairList::put(std::string_view key, ValueType type, bool is_array, int64_t count,
                   std::span<const std::byte> bytes) {
  Pair pair{std::string(key), type, is_array, count, {bytes.begin(), bytes.end()}};
  const auto at = std::ranges::find(pairs_, key, &Pair::key);
  if (at == pairs_.end())
    pairs_.push_back(std::move(pair));
  else
    *at = std::move(pair);
}

}  // namespace troika::gguf
