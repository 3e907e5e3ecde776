#include "text/jinja/json.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "text/jinja/characters.h"
#include "text/jinja/print.h"
#include "text/json_depth.h"
#include "text/utf8.h"

namespace troika::jinja {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint32_t kBmpMax = 0xFFFF;

class Writer {
 public:
  Writer(Runtime& runtime, const JsonStyle& style) : runtime_(runtime), style_(style) {}

  Status write(const Value& value) {
    TROIKA_RETURN_IF_ERROR(runtime_.step());
    TROIKA_RETURN_IF_ERROR(runtime_.check_text(std::ssize(text)));
    TROIKA_TRY(const Level level, Level::enter(runtime_));
    switch (value.kind()) {
      case Kind::none:
        text += "null";
        return ok();
      case Kind::boolean:
        text += value.boolean() ? "true" : "false";
        return ok();
      case Kind::integer:
        text += std::to_string(value.integer());
        return ok();
      case Kind::real:
        write_real(value.real());
        return ok();
      case Kind::text:
        write_string(value.text());
        return ok();
      case Kind::list:
        return write_list(value.list());
      case Kind::dict:
        return write_dict(value.dict());
      case Kind::undefined:
      case Kind::space:
      case Kind::loop:
      case Kind::function:
        break;
    }
    return runtime_.fail("tojson of {}, wanted data", value.type_name());
  }

  std::string text;

 private:
  void write_real(double value) {
    if (std::isnan(value))
      text += "NaN";
    else if (std::isinf(value))
      text += value > 0 ? "Infinity" : "-Infinity";
    else
      text += real_text(value);
  }

  void write_unicode_escape(uint32_t code) {
    if (code > kBmpMax) {
      code -= 0x10000;
      text += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (code >> 10), 0xDC00 + (code & 0x3FF));
    } else {
      text += fmt::format("\\u{:04x}", code);
    }
  }

  void write_string(std::string_view bytes) {
    constexpr std::string_view kEscaped = "\"\\\n\r\t\b\f";
    constexpr std::string_view kNames = "\"\\nrtbf";
    text += '"';
    while (!bytes.empty()) {
      const size_t length = character_bytes(bytes);
      const auto first = static_cast<unsigned char>(bytes[0]);
      uint32_t code = 0;
      if (const size_t name = kEscaped.find(bytes[0]); name != std::string_view::npos)
        (text += '\\') += kNames[name];
      else if (first < 0x20)
        write_unicode_escape(first);
      else if (style_.ascii && first >= 0x80 && text::read_utf8(bytes, code) > 0)
        write_unicode_escape(code);
      else
        text += bytes.substr(0, length);
      bytes.remove_prefix(length);
    }
    text += '"';
  }

  /// What stands before an item, or before the bracket that closes.
  void write_break(bool first, bool closing) {
    if (!first && !closing) text += style_.item_separator;
    if (!style_.indent) return;
    text += '\n';
    text.append(static_cast<size_t>(*style_.indent * depth_), ' ');
  }

  Status write_list(const List& list) {
    text += '[';
    depth_++;
    for (size_t i = 0; i < list.items.size(); i++) {
      write_break(i == 0, false);
      TROIKA_RETURN_IF_ERROR(write(list.items[i]));
    }
    depth_--;
    if (!list.items.empty()) write_break(true, true);
    text += ']';
    return ok();
  }

  Status write_key(const Value& key) {
    switch (key.kind()) {
      case Kind::text:
        write_string(key.text());
        return ok();
      case Kind::none:
      case Kind::boolean:
      case Kind::integer:
      case Kind::real:
        text += '"';
        TROIKA_RETURN_IF_ERROR(write(key));
        text += '"';
        return ok();
      default:
        return runtime_.fail("tojson of a key of type {}", key.type_name());
    }
  }

  Status write_dict(const Dict& dict) {
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : dict.entries) entries.push_back(&entry);
    const auto key_text = [](const auto* entry) {
      return entry->first.is(Kind::text) ? std::string_view(entry->first.text())
                                         : std::string_view();
    };
    if (style_.sorted) std::ranges::stable_sort(entries, {}, key_text);
    text += '{';
    depth_++;
    for (size_t i = 0; i < entries.size(); i++) {
      write_break(i == 0, false);
      TROIKA_RETURN_IF_ERROR(write_key(entries[i]->first));
      text += style_.key_separator;
      TROIKA_RETURN_IF_ERROR(write(entries[i]->second));
    }
    depth_--;
    if (!entries.empty()) write_break(true, true);
    text += '}';
    return ok();
  }

  Runtime& runtime_;
  const JsonStyle& style_;
  int64_t depth_ = 0;
};

Result<Value> convert(Runtime& runtime, const Json& json, int32_t depth);

Result<Value> convert_array(Runtime& runtime, const Json& json, int32_t depth) {
  std::vector<Value> items;
  items.reserve(json.size());
  for (const Json& element : json) {
    TROIKA_TRY(Value item, convert(runtime, element, depth + 1));
    items.push_back(std::move(item));
  }
  return runtime.list(std::move(items));
}

Result<Value> convert_object(Runtime& runtime, const Json& json, int32_t depth) {
  TROIKA_TRY(Dict* const dict, runtime.dict());
  TROIKA_RETURN_IF_ERROR(runtime.reserve_items(std::ssize(json) * 2));
  for (const auto& [key, element] : json.items()) {
    TROIKA_TRY(Value name, runtime.text(key));
    TROIKA_TRY(Value item, convert(runtime, element, depth + 1));
    dict->entries.emplace_back(std::move(name), std::move(item));
  }
  return Value(dict);
}

Result<Value> convert(Runtime& runtime, const Json& json, int32_t depth) {
  if (depth > kVariablesDepthMax)
    return fail(ErrorCode::exhausted, "variables nested deeper than {} levels", kVariablesDepthMax);
  switch (json.type()) {
    case Json::value_t::object:
      return convert_object(runtime, json, depth);
    case Json::value_t::array:
      return convert_array(runtime, json, depth);
    case Json::value_t::string:
      return runtime.text(json.get_ref<const std::string&>());
    case Json::value_t::boolean:
      return Value::boolean(json.get<bool>());
    case Json::value_t::number_integer:
      return Value::integer(json.get<int64_t>());
    case Json::value_t::number_unsigned:
      if (json.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
        return Value::real(json.get<double>());
      return Value::integer(json.get<int64_t>());
    case Json::value_t::number_float:
      return Value::real(json.get<double>());
    default:
      return Value(None{});
  }
}

}  // namespace

Result<Value> from_json(Runtime& runtime, const Json& json) {
  return convert(runtime, json, 0);
}

Result<Value> parse_json(Runtime& runtime, std::string_view text) {
  if (json_text_depth(text) > kVariablesDepthMax)
    return runtime.fail("from_json of a text nested deeper than {} levels", kVariablesDepthMax);
  TROIKA_RETURN_IF_ERROR(runtime.reserve(std::ssize(text)));
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return runtime.fail("from_json of what is no JSON");
  return convert(runtime, json, 0);
}

int64_t json_bytes(const Json& json, int32_t depth) {
  int64_t bytes = sizeof(Value);
  if (json.is_string()) bytes += std::ssize(json.get_ref<const std::string&>());
  if (depth >= kVariablesDepthMax) return bytes;
  if (json.is_object())
    for (const auto& [key, element] : json.items())
      bytes += std::ssize(key) + json_bytes(element, depth + 1);
  if (json.is_array())
    for (const Json& element : json) bytes += json_bytes(element, depth + 1);
  return bytes;
}

Result<Value> to_json(Runtime& runtime, const Value& value, const JsonStyle& style) {
  Writer writer(runtime, style);
  TROIKA_RETURN_IF_ERROR(writer.write(value));
  return runtime.text(std::move(writer.text));
}

}  // namespace troika::jinja
