#include "engine/stop_strings.h"

#include <algorithm>

namespace troika {
namespace {

/// How much of a pattern is matched when `byte` follows `matched` bytes of it.
uint32_t advance(const std::string& bytes, const std::vector<uint32_t>& border, uint32_t matched,
                 char byte) {
  if (matched == bytes.size()) matched = border[matched];
  while (matched > 0 && bytes[matched] != byte) matched = border[matched];
  return bytes[matched] == byte ? matched + 1 : 0;
}

}  // namespace

Status check_stop_strings(std::span<const std::string> strings) {
  if (std::ssize(strings) > kStopStringsMax)
    return fail(ErrorCode::invalid_argument, "stop has {} strings, want at most {}", strings.size(),
                kStopStringsMax);
  for (size_t i = 0; i < strings.size(); i++)
    if (strings[i].empty() || std::ssize(strings[i]) > kStopStringBytesMax)
      return fail(ErrorCode::invalid_argument, "stop string {} has {} bytes, want 1 to {}", i,
                  strings[i].size(), kStopStringBytesMax);
  return ok();
}

StopStrings::StopStrings(std::span<const std::string> strings) {
  for (const std::string& bytes : strings) {
    Pattern pattern{.bytes = bytes, .border = {0, 0}};
    for (size_t i = 1; i < bytes.size(); i++)
      pattern.border.push_back(advance(bytes, pattern.border, pattern.border[i], bytes[i]));
    patterns_.push_back(std::move(pattern));
  }
}

std::optional<size_t> StopStrings::push(char byte) {
  std::optional<size_t> found;
  for (size_t i = 0; i < patterns_.size(); i++) {
    Pattern& p = patterns_[i];
    p.matched = advance(p.bytes, p.border, p.matched, byte);
    if (p.matched < p.bytes.size()) continue;
    if (!found || p.bytes.size() > patterns_[*found].bytes.size()) found = i;
  }
  return found;
}

size_t StopStrings::held() const {
  size_t held = 0;
  for (const Pattern& p : patterns_) {
    const size_t open = p.matched < p.bytes.size() ? p.matched : p.border[p.matched];
    held = std::max(held, open);
  }
  return held;
}

}  // namespace troika
