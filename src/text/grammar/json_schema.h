// JSON schemas as grammars: whatever matches the grammar is valid by the schema. Drafts 4 to
// 2020-12, as far as a grammar can follow; docs/grammars.md has the list. What cannot be followed
// is an error that names the keyword and its place, never a looser grammar.
//
// Written are compact texts: keys in the order of the schema's properties, at most one space after
// "," and ":", no others. Numbers without a bound have at most 16 digits before and after the
// point.
#pragma once

#include <memory>
#include <string_view>

#include "core/result.h"
#include "text/grammar/grammar.h"
#include "text/grammar/json_text.h"
#include "text/grammar/schema_json.h"

namespace troika::grammar {

inline constexpr int64_t kSchemaBytesMax = 1 << 20;
inline constexpr int32_t kSchemaNestingMax = 64;      // of the schema's JSON
inline constexpr int64_t kSchemaValuesMax = 1 << 16;  // in the schema's JSON
inline constexpr int64_t kSchemaEnumMax = 4096;
inline constexpr int64_t kSchemaPropertiesMax = 1024;  // of one object
inline constexpr int64_t kSchemaBranchesMax = 256;     // of one anyOf or oneOf
inline constexpr int32_t kSchemaDepthMax = 128;  // of schemas inside of each other, by reference
inline constexpr int64_t kExtraKeyMax = 64;  // characters of a key that the schema does not name

inline constexpr int64_t kSchemaKeyBytesMax = 1024;
inline constexpr int64_t kSchemaWorkMax = 1 << 21;  // keywords, names and values looked at in all

class SchemaCompiler;

/// A schema of which several parts become parts of one grammar, rules shared. Thread: one at a
/// time.
class JsonSchemaRules {
 public:
  /// Borrows `grammar`. Errors: invalid_argument — no JSON, or more of it than is allowed.
  static Result<JsonSchemaRules> parse(Grammar& grammar, std::string_view json,
                                       const JsonNotation& notation = {});
  ~JsonSchemaRules();
  JsonSchemaRules(JsonSchemaRules&&) noexcept;

  const Json& root() const { return document_->root(); }

  /// Adds what is valid by `schema`, a value in root(). References lead from the root.
  /// Errors: invalid_argument — a keyword, with its JSON pointer. Rules of the grammar may have
  /// been left without a definition then: it is of no more use.
  Result<ExprId> add(const Json& schema);
  /// Adds the objects among these.
  Result<ExprId> add_objects(const Json& schema);

 private:
  JsonSchemaRules(Grammar& grammar, JsonDocument document, const JsonNotation& notation);

  static JsonDocument object_document();

  std::unique_ptr<const JsonDocument> document_;
  std::unique_ptr<const JsonDocument> object_;  // "type": "object"
  std::unique_ptr<SchemaCompiler> compiler_;
};

/// Adds to `grammar` what is valid by the schema in `json`; its root is left alone.
/// Errors: invalid_argument — no JSON, or a keyword, with its JSON pointer.
Result<ExprId> add_json_schema(Grammar& grammar, std::string_view json);

}  // namespace troika::grammar
