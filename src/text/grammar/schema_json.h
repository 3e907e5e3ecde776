// JSON as schemas need it: keys in the order of the text, numbers as they are spelt, places by JSON
// pointer. For reading only.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "text/grammar/json_text.h"

namespace troika::grammar {

enum class JsonKind : uint8_t { null, boolean, number, string, array, object };

/// One value; what it holds, `kind` says.
struct Json {
  JsonKind kind = JsonKind::null;
  bool boolean = false;
  std::string text;                   // string: its bytes; number: as it is spelt
  std::string key;                    // in an object
  const Json* parent = nullptr;       // the array or object that it is in; null for the root
  size_t index = 0;                   // in there
  std::vector<const Json*> children;  // of an array or object, in order
  std::vector<const Json*> by_key;    // of an object, sorted

  bool is(JsonKind wanted) const { return kind == wanted; }
  /// The value of `name` in an object; null where there is none.
  const Json* find(std::string_view name) const;
  /// Its JSON pointer as a URI fragment: "#/properties/a"; of a long one the end.
  std::string place() const;
};

/// A text and its values, which live as long as it does.
class JsonDocument {
 public:
  /// Errors: invalid_argument — no JSON, a key that occurs twice, more values or deeper than
  /// json_schema.h allows.
  static Result<JsonDocument> parse(std::string_view text);

  const Json& root() const { return values_.front(); }

  /// The value at a pointer as "#/a/0/b" or "#"; null where there is none.
  const Json* at(std::string_view pointer) const;

 private:
  friend class JsonReader;
  std::deque<Json> values_;
};

/// The value as compact JSON: a space after "," and ":", characters beyond ASCII as they are.
std::string json_text(const Json& value);

/// The value in a notation whose strings are raw, without spaces; whether whoever reads that can
/// tell where its strings and keys end; whether a key may stand without quotes.
std::string raw_text(const Json& value, const JsonNotation& notation);
bool readable_raw(const Json& value);
bool is_bare_key(std::string_view key);

/// `text` as it is written in a JSON string; json_quoted(): with the quotes around it.
std::string json_escaped(std::string_view text);
std::string json_quoted(std::string_view text);

}  // namespace troika::grammar
