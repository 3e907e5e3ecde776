#include "text/output/unread.h"

#include <algorithm>

namespace troika {
namespace {

constexpr size_t kTakenMax = 1 << 14;  // bytes that are kept before the rest moves to the front

// How a marker stands at a place: not at all, whole, or cut off by the end of the text.
enum class Match { no, whole, cut };

Match match(std::string_view text, std::string_view marker) {
  if (text.starts_with(marker)) return Match::whole;
  return text.size() < marker.size() && marker.starts_with(text) ? Match::cut : Match::no;
}

}  // namespace

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

void Unread::append(std::string_view text) {
  if (taken_ == bytes_.size() || taken_ > kTakenMax) {
    bytes_.erase(0, taken_);
    taken_ = 0;
  }
  bytes_ += text;
}

void Unread::take_space() {
  while (taken_ < bytes_.size() && is_space(bytes_[taken_])) taken_++;
}

MarkerSearch find_marker(const Unread& unread, std::span<const std::string_view> markers) {
  const std::string_view text = unread.text();
  for (size_t at = 0; at < text.size(); at++) {
    MarkerSearch found{at};
    size_t longest = 0;
    bool cut = false;
    for (size_t i = 0; i < markers.size(); i++) {
      if (markers[i].front() != text[at]) continue;
      const Match how = match(text.substr(at), markers[i]);
      cut = cut || how == Match::cut;
      if (how != Match::whole || markers[i].size() <= longest) continue;
      longest = markers[i].size();
      found.marker = i;
    }
    // A longer marker may be on its way; it is at least as long as the text that is there.
    if (cut && !unread.ended()) return {at};
    if (longest > 0) return found;
  }
  return {text.size()};
}

}  // namespace troika
