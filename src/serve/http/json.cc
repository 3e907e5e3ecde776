#include "serve/http/json.h"

#include <algorithm>

namespace troika::serve {
namespace {

/// How deep the brackets of `text` stand inside of each other, strings left out.
int depth_of(std::string_view text) {
  int depth = 0, deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') i++;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      depth--;
    }
  }
  return deepest;
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  if (const int depth = depth_of(text); depth > kJsonDepthMax)
    return fail(ErrorCode::invalid_argument, "JSON is nested {} levels deep, wanted at most {}",
                depth, kJsonDepthMax);
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    return fail(ErrorCode::invalid_argument, "not JSON, at byte {} of {}", error.byte, text.size());
  } catch (const Json::exception& error) {
    return fail(ErrorCode::invalid_argument, "not JSON that can be read: {}", error.what());
  }
}

std::string to_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string_view kind_of(const Json& json) {
  switch (json.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "a list";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::boolean:
      return "a boolean";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return "an integer";
    case Json::value_t::number_float:
      return "a number";
    default:
      return "nothing";
  }
}

}  // namespace troika::serve
