#include "text/json_depth.h"

#include <algorithm>

namespace troika {

int64_t json_text_depth(std::string_view text) {
  int64_t open = 0;
  int64_t most = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') i++;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      most = std::max(most, ++open);
    } else if (c == ']' || c == '}') {
      open--;
    }
  }
  return most;
}

bool json_deeper_than(const nlohmann::ordered_json& json, int depth) {
  if (!json.is_structured()) return false;
  if (depth == 0) return true;
  return std::ranges::any_of(
      json, [depth](const auto& element) { return json_deeper_than(element, depth - 1); });
}

}  // namespace troika
