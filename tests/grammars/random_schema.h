// Random JSON schemas whose texts have a greatest length, and a check of values against them that
// knows nothing of grammars.
#pragma once

#include <nlohmann/json.hpp>
#include <random>
#include <regex>
#include <string>

namespace troika::testing {

using Json = nlohmann::ordered_json;

class RandomSchemas {
 public:
  explicit RandomSchemas(uint32_t seed) : random_(seed) {}

  /// An object at the top, sometimes with a part that is referred to.
  Json next() {
    referred_ = false;
    Json schema = object(3);
    if (referred_) schema["$defs"] = {{"part", scalar()}};
    return schema;
  }

 private:
  int below(int end) { return std::uniform_int_distribution(0, end - 1)(random_); }
  bool chance(int percent) { return below(100) < percent; }

  Json any(int depth) {
    const int kind = below(depth > 0 ? 10 : 6);
    if (kind < 5) return scalar();
    if (kind == 5) {
      referred_ = true;
      return {{"$ref", "#/$defs/part"}};
    }
    if (kind == 6) return {{"anyOf", {any(depth - 1), scalar(), {{"type", "null"}}}}};
    if (kind == 7) return array(depth - 1);
    if (kind == 8) return {{"oneOf", {tagged("left", depth - 1), tagged("right", depth - 1)}}};
    return object(depth - 1);
  }

  Json tagged(const std::string& tag, int depth) {
    Json schema = object(depth);
    schema["properties"]["kind"] = {{"const", tag}};
    schema["required"].push_back("kind");
    return schema;
  }

  Json scalar() {
    switch (below(9)) {
      case 0:
        return {{"type", "boolean"}};
      case 1:
        return {{"type", "null"}};
      case 2:
        return {{"enum", {"red", "green", "blue\n", 7, nullptr, 2.5}}};
      case 3:
        return {{"const", "fixed \"text\" \u00e4"}};
      case 4:
        return integer();
      case 5:
        return number();
      case 6:
        return {{"type", "string"},
                {"pattern", chance(50) ? "^[A-C]{2}-\\d{1,3}$" : "^(yes|no)\\.$"}};
      default: {
        const int min = below(4);
        return {{"type", "string"}, {"minLength", min}, {"maxLength", min + below(12)}};
      }
    }
  }

  Json integer() {
    Json schema = {{"type", "integer"}};
    const int low = below(2000) - 1000;
    if (chance(60)) schema[chance(50) ? "minimum" : "exclusiveMinimum"] = low;
    if (chance(60)) schema[chance(50) ? "maximum" : "exclusiveMaximum"] = low + 2 + below(1500);
    return schema;
  }

  Json number() {
    Json schema = {{"type", "number"}};
    const double low = (below(4000) - 2000) / 16.0;
    if (chance(70)) schema[chance(50) ? "minimum" : "exclusiveMinimum"] = low;
    if (chance(70))
      schema[chance(50) ? "maximum" : "exclusiveMaximum"] = low + (1 + below(500)) / 8.0;
    return schema;
  }

  Json array(int depth) {
    if (chance(25))
      return {{"type", "array"}, {"prefixItems", {any(depth), scalar()}}, {"items", false}};
    const int min = below(3);
    return {
        {"type", "array"}, {"items", any(depth)}, {"minItems", min}, {"maxItems", min + below(3)}};
  }

  Json object(int depth) {
    static const char* const kNames[] = {"name", "age", "a b", "na", "quote\"", "city", "\u00fc"};
    Json schema = {{"type", "object"},
                   {"properties", Json::object()},
                   {"required", Json::array()},
                   {"additionalProperties", false}};
    const int first = below(7), count = below(5);
    for (int i = 0; i < count; i++) {
      const std::string name = kNames[(first + i) % 7];
      schema["properties"][name] = any(depth);
      if (chance(60)) schema["required"].push_back(name);
    }
    return schema;
  }

  std::mt19937 random_;
  bool referred_ = false;
};

/// Code points of UTF-8.
inline int64_t characters(const std::string& text) {
  int64_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

/// Whether `value` is valid by `schema`, which knows what RandomSchemas writes and no more.
class Validator {
 public:
  explicit Validator(const Json& root) : root_(root) {}

  bool valid(const Json& value) const { return valid(root_, value); }

 private:
  static bool is_type(const std::string& type, const Json& v) {
    if (type == "object") return v.is_object();
    if (type == "array") return v.is_array();
    if (type == "string") return v.is_string();
    if (type == "boolean") return v.is_boolean();
    if (type == "null") return v.is_null();
    return type == "integer" ? v.is_number_integer() : v.is_number();
  }

  int64_t count_valid(const Json& branches, const Json& v) const {
    return std::count_if(branches.begin(), branches.end(),
                         [&](const Json& branch) { return valid(branch, v); });
  }

  bool valid(const Json& s, const Json& v) const {
    if (s.is_boolean()) return s.get<bool>();
    if (s.contains("$ref") && !valid(root_["$defs"]["part"], v)) return false;
    if (s.contains("type") && !is_type(s["type"], v)) return false;
    if (s.contains("enum") && std::find(s["enum"].begin(), s["enum"].end(), v) == s["enum"].end())
      return false;
    if (s.contains("const") && s["const"] != v) return false;
    if (s.contains("anyOf") && count_valid(s["anyOf"], v) == 0) return false;
    if (s.contains("oneOf") && count_valid(s["oneOf"], v) != 1) return false;
    if (v.is_number() && !number_valid(s, v.get<double>())) return false;
    if (v.is_string() && !string_valid(s, v.get<std::string>())) return false;
    if (v.is_array() && !array_valid(s, v)) return false;
    return !v.is_object() || object_valid(s, v);
  }

  static bool number_valid(const Json& s, double x) {
    return x >= s.value("minimum", -1e300) && x <= s.value("maximum", 1e300) &&
           x > s.value("exclusiveMinimum", -1e300) && x < s.value("exclusiveMaximum", 1e300);
  }

  static bool string_valid(const Json& s, const std::string& text) {
    if (s.contains("pattern") &&
        !std::regex_match(text, std::regex(s["pattern"].get<std::string>())))
      return false;
    return characters(text) >= s.value("minLength", 0) &&
           characters(text) <= s.value("maxLength", 1 << 20);
  }

  bool array_valid(const Json& s, const Json& v) const {
    const Json prefix = s.value("prefixItems", Json::array());
    for (size_t i = 0; i < v.size(); i++) {
      if (i < prefix.size() ? !valid(prefix[i], v[i])
                            : s.contains("items") && !valid(s["items"], v[i]))
        return false;
    }
    return v.size() >= s.value("minItems", size_t{0}) &&
           v.size() <= s.value("maxItems", size_t{1000});
  }

  bool object_valid(const Json& s, const Json& v) const {
    if (!s.contains("properties")) return true;
    for (const auto& [key, member] : v.items())
      if (!s["properties"].contains(key) || !valid(s["properties"][key], member)) return false;
    for (const Json& key : s["required"])
      if (!v.contains(key.get<std::string>())) return false;
    return true;
  }

  const Json& root_;
};

}  // namespace troika::testing
