#include "serve/http/json.h"

#include <algorithm>
#include <array>

namespace troika::serve {
namespace {

/// What reading a text would take: counted before it is read, strings left out.
struct Extent {
  int depth = 0;                // of brackets inside of each other
  int64_t values = 0;           // about: what commas and brackets part
  int64_t key_comparisons = 0;  // at most
};

Extent extent_of(std::string_view text) {
  Extent extent;
  std::array<int64_t, kJsonDepthMax + 1> keys{};  // of the objects that are open
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size() && depth <= kJsonDepthMax; i++) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') i++;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      extent.depth = std::max(extent.depth, ++depth);
      extent.values++;
      if (depth <= kJsonDepthMax) keys[static_cast<size_t>(depth)] = 0;
    } else if (c == '}' || c == ']') {
      depth = std::max(depth - 1, 0);
    } else if (c == ',') {
      extent.values++;
    } else if (c == ':') {
      extent.key_comparisons += keys[static_cast<size_t>(depth)]++;
    }
  }
  return extent;
}

Status check_extent(std::string_view text) {
  const Extent extent = extent_of(text);
  if (extent.depth > kJsonDepthMax)
    return fail(ErrorCode::invalid_argument, "JSON is nested deeper than {} levels", kJsonDepthMax);
  if (extent.values > kJsonValuesMax)
    return fail(ErrorCode::invalid_argument, "JSON of about {} values, wanted at most {}",
                extent.values, kJsonValuesMax);
  if (extent.key_comparisons > kJsonKeyComparisonsMax)
    return fail(ErrorCode::invalid_argument,
                "JSON has objects of too many keys, wanted at most about 16,000 in one");
  return ok();
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  TROIKA_RETURN_IF_ERROR(check_extent(text));
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
