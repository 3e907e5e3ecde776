// What several schemas that must all hold say together, keyword by keyword.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "text/grammar/json_text.h"
#include "text/grammar/schema_json.h"

namespace troika::grammar {

/// A schema that must hold, but for the keywords of which a branch was already chosen.
struct SchemaPart {
  const Json* schema = nullptr;
  bool any_of_done = false;
  bool one_of_done = false;
  bool resolved = false;  // what it refers to is in the list, too
  auto operator<=>(const SchemaPart&) const = default;
};
using SchemaParts = std::vector<SchemaPart>;

enum JsonType : uint32_t {
  kNull = 1,
  kBoolean = 2,
  kObject = 4,
  kArray = 8,
  kString = 16,
  kInteger = 32,
  kFractional = 64,  // numbers that need not be whole
  kAnyType = 127
};

/// All keywords but those that were resolved before ($ref, allOf) or choose branches.
struct SchemaFacts {
  bool never = false;        // one of them is false
  bool constrained = false;  // any keyword said anything
  uint32_t types = kAnyType;
  uint32_t implied_types = 0;  // that its keywords speak of; 0: of none in particular
  std::optional<std::vector<const Json*>> values;  // of enum and const: those that all have
  int64_t length_min = 0, length_max = kUnbounded;
  const Json* length = nullptr;  // the last keyword that bounds it
  const Json* pattern = nullptr;
  const Json* format = nullptr;
  NumberBounds bounds;
  const Json* items = nullptr;  // the last keyword that bounds their number
  int64_t items_min = 0, items_max = kUnbounded;
  int64_t members_min = 0, members_max = kUnbounded;
  const Json* properties_min = nullptr;  // the last keywords that bound them
  const Json* properties_max = nullptr;
  std::vector<const Json*> objects, arrays;  // the schemas that speak of these
  std::vector<std::string_view> required;

  /// The types that are written: all that are allowed, or where nothing was said of types, those
  /// that were spoken of.
  uint32_t written_types() const {
    const bool open = types == kAnyType && implied_types != 0;
    return open ? implied_types : types;
  }
  bool requires_key(std::string_view name) const;
};

/// An error that names a keyword and its place.
Error schema_error(const Json& keyword, std::string_view problem);

/// `parts` without $ref and allOf: all that these lead to, each once. A schema that is false comes
/// out as itself. Errors: invalid_argument — a reference that leads nowhere, out of the document
/// or back to where it came from.
Result<SchemaParts> resolve_schemas(const JsonDocument& document, const SchemaParts& parts);

/// How much gather_facts() has to look at.
int64_t work_of(const SchemaParts& parts);

/// What resolved `parts` say together.
/// Errors: invalid_argument — a keyword that is not supported or makes no sense.
Result<SchemaFacts> gather_facts(const SchemaParts& parts);

/// Whether `unevaluatedProperties` forbid what another schema of `facts` names, as they do where
/// that is none of their own subschemas. Errors: invalid_argument — so it is.
Status check_unevaluated(const JsonDocument& document, const SchemaFacts& facts);

/// Whether two values are equal as JSON has it.
bool same_value(const Json& a, const Json& b);

/// The one type of a value.
uint32_t type_of_value(const Json& value);

}  // namespace troika::grammar
