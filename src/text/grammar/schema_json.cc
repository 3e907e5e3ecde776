#include "text/grammar/schema_json.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "core/printable.h"
#include "text/grammar/json_schema.h"

namespace troika::grammar {

namespace {

std::string escaped_for_pointer(std::string_view key) {
  std::string text;
  for (const char c : key) {
    if (c == '~')
      text += "~0";
    else if (c == '/')
      text += "~1";
    else
      text += c;
  }
  return text;
}

std::string unescaped_from_pointer(std::string_view part) {
  std::string text;
  for (size_t i = 0; i < part.size(); i++) {
    const bool escape = part[i] == '~' && i + 1 < part.size();
    if (escape) i++;
    text += !escape ? part[i] : part[i] == '1' ? '/' : '~';
  }
  return text;
}

/// %20 and the like, as URIs have them; other signs of percent stay.
std::string without_percents(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); i++) {
    uint8_t byte = 0;
    const std::string_view hex = text.substr(i + 1, 2);
    const auto read = std::from_chars(hex.data(), hex.data() + hex.size(), byte, 16);
    const bool escape = text[i] == '%' && hex.size() == 2 && read.ptr == hex.data() + 2;
    plain += escape ? static_cast<char>(byte) : text[i];
    if (escape) i += 2;
  }
  return plain;
}

}  // namespace

bool is_bare_key(std::string_view key) {
  return !key.empty() && key.find_first_of("{}[],:\"<> \n\r\t") == key.npos;
}

const Json* Json::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(by_key, name, {}, &Json::key);
  return found != by_key.end() && (*found)->key == name ? *found : nullptr;
}

std::string Json::place() const {
  constexpr size_t kBytesMax = 200;
  std::vector<std::string> parts;
  size_t bytes = 0;
  const Json* at = this;
  for (; at->parent != nullptr && bytes < kBytesMax; at = at->parent) {
    parts.push_back(at->parent->is(JsonKind::object) ? escaped_for_pointer(at->key)
                                                     : std::to_string(at->index));
    bytes += parts.back().size();
  }
  std::string pointer = at->parent == nullptr ? "#" : "";
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) pointer += '/' + *part;
  if (at->parent == nullptr && pointer.size() <= kBytesMax) return pointer;
  return "..." + pointer.substr(pointer.size() - std::min(kBytesMax, pointer.size()));
}

/// Takes the events of the library's reader, which does not nest calls however deep the text does.
class JsonReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit JsonReader(std::deque<Json>& values) : values_(values) {}

  bool null() override { return add({.kind = JsonKind::null}); }
  bool boolean(bool value) override { return add({.kind = JsonKind::boolean, .boolean = value}); }
  bool number_integer(int64_t value) override { return add_number(std::to_string(value)); }
  bool number_unsigned(uint64_t value) override { return add_number(std::to_string(value)); }
  bool number_float(double, const std::string& text) override { return add_number(text); }
  bool string(std::string& value) override {
    return add({.kind = JsonKind::string, .text = value});
  }
  bool binary(nlohmann::json::binary_t&) override { return false; }
  bool start_object(size_t) override { return open(JsonKind::object); }
  bool start_array(size_t) override { return open(JsonKind::array); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(std::string& name) override {
    key_ = name;
    if (std::ssize(name) > kSchemaKeyBytesMax) {
      problem = fmt::format("{}: a key of {} bytes, wanted at most {}", open_.back().value->place(),
                            name.size(), kSchemaKeyBytesMax);
      return false;
    }
    if (open_.back().keys.insert(name).second) return true;
    problem = fmt::format("{}: the key \"{}\" occurs twice", open_.back().value->place(),
                          printable(name));
    return false;
  }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    problem = fmt::format("no JSON: it makes no sense at byte {}", position);
    return false;
  }

  std::string problem;

 private:
  struct Open {
    Json* value;
    std::unordered_set<std::string> keys;
  };

  bool add_number(std::string text) {
    return add({.kind = JsonKind::number, .text = std::move(text)});
  }

  bool add(Json value) {
    if (std::ssize(values_) >= kSchemaValuesMax) {
      problem = fmt::format("more than {} values", kSchemaValuesMax);
      return false;
    }
    if (!open_.empty()) {
      value.parent = open_.back().value;
      value.index = value.parent->children.size();
      if (value.parent->is(JsonKind::object)) value.key = key_;
    }
    values_.push_back(std::move(value));
    if (!open_.empty()) open_.back().value->children.push_back(&values_.back());
    return true;
  }

  bool open(JsonKind kind) {
    if (std::ssize(open_) >= kSchemaNestingMax) {
      problem = fmt::format("values more than {} deep", kSchemaNestingMax);
      return false;
    }
    if (!add({.kind = kind})) return false;
    open_.push_back({&values_.back(), {}});
    return true;
  }

  bool close() {
    Json& value = *open_.back().value;
    if (value.is(JsonKind::object)) {
      value.by_key = value.children;
      std::ranges::sort(value.by_key, {}, &Json::key);
    }
    open_.pop_back();
    return true;
  }

  std::deque<Json>& values_;
  std::vector<Open> open_;
  std::string key_;
};

Result<JsonDocument> JsonDocument::parse(std::string_view text) {
  if (std::ssize(text) > kSchemaBytesMax)
    return fail(ErrorCode::invalid_argument, "the JSON schema has {} bytes, wanted at most {}",
                text.size(), kSchemaBytesMax);
  JsonDocument document;
  JsonReader reader(document.values_);
  if (!nlohmann::json::sax_parse(text, &reader))
    return fail(ErrorCode::invalid_argument, "the JSON schema: {}", reader.problem);
  return document;
}

const Json* JsonDocument::at(std::string_view pointer) const {
  if (!pointer.starts_with('#')) return nullptr;
  const Json* value = &root();
  pointer.remove_prefix(1);
  const std::string decoded = without_percents(pointer);
  pointer = decoded;
  while (value != nullptr && !pointer.empty()) {
    if (!pointer.starts_with('/')) return nullptr;
    const size_t end = std::min(pointer.find('/', 1), pointer.size());
    const std::string name = unescaped_from_pointer(pointer.substr(1, end - 1));
    pointer.remove_prefix(end);
    if (!value->is(JsonKind::array)) {
      value = value->find(name);
      continue;
    }
    size_t index = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), index);
    const bool good = read.ec == std::errc() && read.ptr == name.data() + name.size() &&
                      index < value->children.size();
    value = good ? value->children[index] : nullptr;
  }
  return value;
}

std::string json_quoted(std::string_view text) {
  return '"' + json_escaped(text) + '"';
}

std::string json_escaped(std::string_view text) {
  std::string quoted;
  for (const char c : text) {
    constexpr std::string_view kShort = "\"\\\b\f\n\r\t", kNames = "\"\\bfnrt";
    const size_t which = kShort.find(c);
    if (which != kShort.npos)
      (quoted += '\\') += kNames[which];
    else if (static_cast<unsigned char>(c) < 0x20)
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      quoted += c;
  }
  return quoted;
}

std::string raw_text(const Json& value, const JsonNotation& notation) {
  if (value.is(JsonKind::string)) return fmt::format("{0}{1}{0}", notation.quote, value.text);
  if (value.children.empty()) return json_text(value);
  const bool named = value.is(JsonKind::object);
  std::string text = named ? "{" : "[";
  for (const Json* child : value.children) {
    if (text.size() > 1) text += ',';
    if (named) text += child->key + ':';
    text += raw_text(*child, notation);
  }
  return text + (named ? "}" : "]");
}

bool readable_raw(const Json& value) {
  if (value.is(JsonKind::string)) return value.text.find('<') == value.text.npos;
  return std::ranges::all_of(value.children, [&](const Json* child) {
    return (!value.is(JsonKind::object) || is_bare_key(child->key)) && readable_raw(*child);
  });
}

std::string json_text(const Json& value) {
  switch (value.kind) {
    case JsonKind::null:
      return "null";
    case JsonKind::boolean:
      return value.boolean ? "true" : "false";
    case JsonKind::number:
      return value.text;
    case JsonKind::string:
      return json_quoted(value.text);
    case JsonKind::array:
    case JsonKind::object:
      break;
  }
  const bool named = value.is(JsonKind::object);
  std::string text = named ? "{" : "[";
  for (const Json* child : value.children) {
    if (text.size() > 1) text += ", ";
    if (named) text += json_quoted(child->key) + ": ";
    text += json_text(*child);
  }
  return text + (named ? "}" : "]");
}

}  // namespace troika::grammar
