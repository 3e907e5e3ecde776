#include "text/grammar/schema_facts.h"

#include <algorithm>
#include <unordered_set>

#include "core/printable.h"
#include "text/grammar/json_schema.h"

namespace troika::grammar {
namespace {

class FactsReader {
 public:
  Status read(const Json& schema) {
    if (schema.is(JsonKind::boolean)) {
      facts.never = facts.never || !schema.boolean;
      return ok();
    }
    if (!schema.is(JsonKind::object))
      return schema_error(schema, "is no schema, wanted an object, true or false");
    for (const Json* value : schema.children) TROIKA_RETURN_IF_ERROR(read_keyword(*value));
    return ok();
  }

  SchemaFacts facts;

 private:
  std::unordered_set<std::string_view> required_;

  using Take = Status (FactsReader::*)(const Json&);
  struct Keyword {
    std::string_view name;
    Take take;
    uint32_t types;  // that it speaks of
  };
  static const Keyword kKeywords[];

  Status read_keyword(const Json& value) {
    const Keyword* found = kKeywords;
    while (!found->name.empty() && found->name != value.key) found++;
    if (found->name.empty()) return ok();  // of no keyword is known that it forbids anything
    facts.constrained = true;
    facts.implied_types |= found->types;
    return (this->*found->take)(value);
  }

  static Error wanted(const Json& value, std::string_view what) {
    return schema_error(value,
                        fmt::format("is {}, wanted {}", printable(json_text(value), 40), what));
  }

  static Result<int64_t> count_of(const Json& value) {
    constexpr size_t kDigitsMax = 9;
    const auto number = value.is(JsonKind::number) ? Decimal::parse(value.text) : std::nullopt;
    if (!number || number->negative || !number->fraction.empty() ||
        number->whole.size() > kDigitsMax)
      return wanted(value, "a whole number from 0 to 999999999");
    return number->whole.empty() ? 0 : std::stoll(number->whole);
  }

  Status refuse(const Json& value) {
    return schema_error(value, "is not supported: a grammar cannot follow it");
  }
  Status refuse_true(const Json& value) {
    return value.is(JsonKind::boolean) && !value.boolean ? ok() : refuse(value);
  }
  Status refuse_filled(const Json& value) {
    const bool empty = value.is(JsonKind::object) && value.children.empty();
    return empty || (value.is(JsonKind::boolean) && value.boolean) ? ok() : refuse(value);
  }
  Status refuse_inside(const Json& value) {
    return value.parent->parent == nullptr ? ok() : refuse(value);
  }
  Status nothing(const Json&) { return ok(); }

  Status take_type(const Json& value) {
    uint32_t types = 0;
    std::vector<const Json*> names = {&value};
    if (value.is(JsonKind::array)) names = value.children;
    constexpr std::pair<std::string_view, uint32_t> kNames[] = {{"null", kNull},
                                                                {"boolean", kBoolean},
                                                                {"object", kObject},
                                                                {"array", kArray},
                                                                {"string", kString},
                                                                {"integer", kInteger},
                                                                {"number", kInteger | kFractional}};
    for (const Json* name : names) {
      const auto* found =
          std::ranges::find(kNames, name->text, &std::pair<std::string_view, uint32_t>::first);
      if (!name->is(JsonKind::string) || found == std::end(kNames))
        return wanted(*name, "the name of a JSON type");
      types |= found->second;
    }
    facts.types &= types;
    return ok();
  }

  Status take_values(std::vector<const Json*> values) {
    if (facts.values)
      std::erase_if(values, [this](const Json* value) {
        return std::ranges::none_of(*facts.values,
                                    [&](const Json* other) { return same_value(*value, *other); });
      });
    facts.values = std::move(values);
    return ok();
  }
  Status take_enum(const Json& value) {
    if (!value.is(JsonKind::array) || std::ssize(value.children) > kSchemaEnumMax)
      return wanted(value, fmt::format("an array of at most {} values", kSchemaEnumMax));
    return take_values(value.children);
  }
  Status take_const(const Json& value) { return take_values({&value}); }

  static Status tighten_min(const Json& value, int64_t& min) {
    TROIKA_TRY(const int64_t count, count_of(value));
    min = std::max(min, count);
    if (min > kRepetitionsMax) return wanted(value, fmt::format("at most {}", kRepetitionsMax));
    return ok();
  }
  static Status tighten_max(const Json& value, int64_t& max) {
    TROIKA_TRY(const int64_t count, count_of(value));
    max = max == kUnbounded ? count : std::min(max, count);
    if (max > kRepetitionsMax) return wanted(value, fmt::format("at most {}", kRepetitionsMax));
    return ok();
  }
  Status take_min_length(const Json& value) {
    facts.length = &value;
    return tighten_min(value, facts.length_min);
  }
  Status take_max_length(const Json& value) {
    facts.length = &value;
    return tighten_max(value, facts.length_max);
  }
  Status take_min_items(const Json& value) {
    facts.items = &value;
    return tighten_min(value, facts.items_min);
  }
  Status take_max_items(const Json& value) {
    facts.items = &value;
    return tighten_max(value, facts.items_max);
  }

  Status take_text(const Json& value, const Json*& place) {
    if (!value.is(JsonKind::string)) return wanted(value, "a string");
    if (place != nullptr && place->text != value.text)
      return schema_error(value, "is not supported beside another one");
    place = &value;
    return ok();
  }
  Status take_pattern(const Json& value) { return take_text(value, facts.pattern); }
  Status take_format(const Json& value) { return take_text(value, facts.format); }

  Status take_bound(const Json& value, bool excluded, bool upper) {
    const auto number = value.is(JsonKind::number) ? Decimal::parse(value.text) : std::nullopt;
    if (!number) return wanted(value, "a number of at most 64 digits");
    std::optional<Bound>& bound = upper ? facts.bounds.upper : facts.bounds.lower;
    const int order = bound ? compare(*number, bound->value) : 0;
    if (!bound || (upper ? order < 0 : order > 0))
      bound = {*number, excluded};
    else if (order == 0)
      bound->excluded = bound->excluded || excluded;
    return ok();
  }
  /// Draft 4 has a boolean beside the bound.
  static bool excluded_by(const Json& value, std::string_view name) {
    const Json* excluded = value.parent->find(name);
    return excluded != nullptr && excluded->is(JsonKind::boolean) && excluded->boolean;
  }
  Status take_minimum(const Json& value) {
    return take_bound(value, excluded_by(value, "exclusiveMinimum"), false);
  }
  Status take_maximum(const Json& value) {
    return take_bound(value, excluded_by(value, "exclusiveMaximum"), true);
  }
  Status take_above(const Json& value) {
    return value.is(JsonKind::boolean) ? ok() : take_bound(value, true, false);
  }
  Status take_below(const Json& value) {
    return value.is(JsonKind::boolean) ? ok() : take_bound(value, true, true);
  }
  Status take_multiple(const Json& value) {
    const auto number = value.is(JsonKind::number) ? Decimal::parse(value.text) : std::nullopt;
    if (!number || number->negative || number->whole != "1" || !number->fraction.empty())
      return wanted(value, "1: a grammar cannot follow others");
    facts.types &= ~uint32_t{kFractional};
    return ok();
  }

  Status take_object(const Json& value) {
    if (facts.objects.empty() || facts.objects.back() != value.parent)
      facts.objects.push_back(value.parent);
    return ok();
  }
  Status take_properties(const Json& value) {
    if (!value.is(JsonKind::object) || std::ssize(value.children) > kSchemaPropertiesMax)
      return wanted(value, fmt::format("an object of at most {} schemas", kSchemaPropertiesMax));
    return take_object(value);
  }
  Status take_unevaluated(const Json& value) {
    return value.is(JsonKind::boolean) ? take_object(value) : refuse(value);
  }
  Status take_required(const Json& value) {
    if (value.is(JsonKind::boolean)) return ok();  // draft 3
    if (!value.is(JsonKind::array) || std::ssize(value.children) > kSchemaPropertiesMax)
      return wanted(value, fmt::format("an array of at most {} names", kSchemaPropertiesMax));
    for (const Json* name : value.children) {
      if (!name->is(JsonKind::string)) return wanted(*name, "a name");
      if (required_.insert(name->text).second) facts.required.push_back(name->text);
    }
    return take_object(value);
  }
  Status take_properties_min(const Json& value) {
    facts.properties_min = &value;
    return tighten_min(value, facts.members_min);
  }
  Status take_properties_max(const Json& value) {
    facts.properties_max = &value;
    return tighten_max(value, facts.members_max);
  }
  Status take_array(const Json& value) {
    if (facts.arrays.empty() || facts.arrays.back() != value.parent)
      facts.arrays.push_back(value.parent);
    return ok();
  }
  Status take_prefix(const Json& value) {
    if (!value.is(JsonKind::array)) return wanted(value, "an array of schemas");
    return take_array(value);
  }
};

constexpr uint32_t kNumber = kInteger | kFractional;

const FactsReader::Keyword FactsReader::kKeywords[] = {
    {"type", &FactsReader::take_type, 0},
    {"enum", &FactsReader::take_enum, 0},
    {"const", &FactsReader::take_const, 0},
    {"minLength", &FactsReader::take_min_length, kString},
    {"maxLength", &FactsReader::take_max_length, kString},
    {"pattern", &FactsReader::take_pattern, kString},
    {"format", &FactsReader::take_format, 0},
    {"minimum", &FactsReader::take_minimum, kNumber},
    {"maximum", &FactsReader::take_maximum, kNumber},
    {"exclusiveMinimum", &FactsReader::take_above, kNumber},
    {"exclusiveMaximum", &FactsReader::take_below, kNumber},
    {"multipleOf", &FactsReader::take_multiple, kNumber},
    {"properties", &FactsReader::take_properties, kObject},
    {"required", &FactsReader::take_required, kObject},
    {"additionalProperties", &FactsReader::take_object, kObject},
    {"unevaluatedProperties", &FactsReader::take_unevaluated, kObject},
    {"minProperties", &FactsReader::take_properties_min, kObject},
    {"maxProperties", &FactsReader::take_properties_max, kObject},
    {"items", &FactsReader::take_array, kArray},
    {"prefixItems", &FactsReader::take_prefix, kArray},
    {"additionalItems", &FactsReader::take_array, kArray},
    {"minItems", &FactsReader::take_min_items, kArray},
    {"maxItems", &FactsReader::take_max_items, kArray},
    {"uniqueItems", &FactsReader::refuse_true, kArray},
    {"patternProperties", &FactsReader::refuse_filled, kObject},
    {"propertyNames", &FactsReader::refuse_filled, kObject},
    {"anyOf", &FactsReader::nothing, 0},
    {"oneOf", &FactsReader::nothing, 0},
    {"$id", &FactsReader::refuse_inside, 0},
    {"id", &FactsReader::refuse_inside, 0},
    {"not", &FactsReader::refuse, 0},
    {"if", &FactsReader::refuse, 0},
    {"contains", &FactsReader::refuse, 0},
    {"dependencies", &FactsReader::refuse, 0},
    {"dependentRequired", &FactsReader::refuse, 0},
    {"dependentSchemas", &FactsReader::refuse, 0},
    {"unevaluatedItems", &FactsReader::refuse, 0},
    {"$dynamicRef", &FactsReader::refuse, 0},
    {"$recursiveRef", &FactsReader::refuse, 0},
    {"extends", &FactsReader::refuse, 0},
    {"disallow", &FactsReader::refuse, 0},
    {}};

/// Follows $ref and allOf.
class Resolver {
 public:
  explicit Resolver(const JsonDocument& document) : document_(document) {}

  Status add(const SchemaPart& part) {
    const Json& schema = *part.schema;
    if (std::ranges::find(open_, &schema) != open_.end())
      return schema_error(schema, "refers to itself and says nothing beside");
    for (const SchemaPart& known : parts)
      if (known.schema == &schema) {
        if (known.any_of_done == part.any_of_done && known.one_of_done == part.one_of_done)
          return ok();
        return schema_error(schema, "is one of its own alternatives");
      }
    if (std::ssize(parts) >= kPartsMax || std::ssize(open_) >= kSchemaChainMax)
      return schema_error(schema, "combines too many schemas");
    parts.push_back(part);
    parts.back().resolved = true;
    if (part.resolved) return ok();
    open_.push_back(&schema);
    if (const Json* ref = schema.find("$ref")) {
      const Json* target = ref->is(JsonKind::string) ? document_.at(ref->text) : nullptr;
      if (target == nullptr)
        return schema_error(*ref, fmt::format("is {}, wanted a place in this document, as "
                                              "\"#/$defs/name\"",
                                              printable(json_text(*ref), 60)));
      TROIKA_RETURN_IF_ERROR(add({.schema = target}));
    }
    if (const Json* all = schema.find("allOf")) {
      if (!all->is(JsonKind::array) || all->children.empty())
        return schema_error(*all, "wants an array of schemas");
      for (const Json* each : all->children) TROIKA_RETURN_IF_ERROR(add({.schema = each}));
    }
    open_.pop_back();
    return ok();
  }

  SchemaParts parts;

 private:
  static constexpr int64_t kPartsMax = 256;
  static constexpr int64_t kSchemaChainMax = 64;
  const JsonDocument& document_;
  std::vector<const Json*> open_;  // on the way here
};

/// `schema` and all that hold for the same value because of it, as far as a bound.
std::vector<const Json*> subschemas_at_its_place(const JsonDocument& document, const Json& schema) {
  constexpr size_t kMax = 1024;
  std::vector<const Json*> all = {&schema};
  const auto add = [&all](const Json* one) {
    if (one != nullptr && all.size() < kMax && std::ranges::find(all, one) == all.end())
      all.push_back(one);
  };
  for (size_t i = 0; i < all.size(); i++) {
    if (const Json* ref = all[i]->find("$ref")) add(document.at(ref->text));
    for (const std::string_view name : {"allOf", "anyOf", "oneOf"})
      if (const Json* list = all[i]->find(name))
        for (const Json* each : list->children) add(each);
  }
  return all;
}

}  // namespace

bool SchemaFacts::requires_key(std::string_view name) const {
  return std::ranges::find(required, name) != required.end();
}

Error schema_error(const Json& keyword, std::string_view problem) {
  return fail(ErrorCode::invalid_argument, "the JSON schema, \"{}\" at {}: {}",
              printable(keyword.key.empty() ? "schema" : keyword.key),
              printable(keyword.place(), 256), problem);
}

Status check_unevaluated(const JsonDocument& document, const SchemaFacts& facts) {
  for (const Json* schema : facts.objects) {
    const Json* unevaluated = schema->find("unevaluatedProperties");
    if (unevaluated == nullptr || unevaluated->boolean) continue;
    const std::vector<const Json*> own = subschemas_at_its_place(document, *schema);
    for (const Json* other : facts.objects)
      if (std::ranges::find(own, other) == own.end())
        return schema_error(*unevaluated, "is not supported beside schemas around it");
  }
  return ok();
}

int64_t work_of(const SchemaParts& parts) {
  int64_t work = 0, values = 0;
  for (const SchemaPart& part : parts) {
    work += 1 + std::ssize(part.schema->children);
    for (const std::string_view list : {"required", "properties", "enum"})
      if (const Json* inside = part.schema->find(list)) {
        const int64_t count = std::ssize(inside->children);
        work += count;
        if (list != "enum") continue;
        work += values * count;  // each is held against each
        values = std::max(values, count);
      }
  }
  return work;
}

Result<SchemaParts> resolve_schemas(const JsonDocument& document, const SchemaParts& parts) {
  Resolver resolver(document);
  for (const SchemaPart& part : parts) TROIKA_RETURN_IF_ERROR(resolver.add(part));
  return std::move(resolver.parts);
}

Result<SchemaFacts> gather_facts(const SchemaParts& parts) {
  FactsReader reader;
  for (const SchemaPart& part : parts) TROIKA_RETURN_IF_ERROR(reader.read(*part.schema));
  return std::move(reader.facts);
}

uint32_t type_of_value(const Json& value) {
  switch (value.kind) {
    case JsonKind::null:
      return kNull;
    case JsonKind::boolean:
      return kBoolean;
    case JsonKind::string:
      return kString;
    case JsonKind::array:
      return kArray;
    case JsonKind::object:
      return kObject;
    case JsonKind::number:
      break;
  }
  const std::optional<Decimal> number = Decimal::parse(value.text);
  return number && number->fraction.empty() ? kInteger : kFractional;
}

bool same_value(const Json& a, const Json& b) {
  if (a.kind != b.kind || a.boolean != b.boolean || a.children.size() != b.children.size())
    return false;
  if (a.is(JsonKind::number)) {
    const auto x = Decimal::parse(a.text), y = Decimal::parse(b.text);
    return x && y ? compare(*x, *y) == 0 : a.text == b.text;
  }
  if (a.text != b.text) return false;
  for (const Json* child : a.children) {
    const Json* other = a.is(JsonKind::object) ? b.find(child->key) : b.children[child->index];
    if (other == nullptr || !same_value(*child, *other)) return false;
  }
  return true;
}

}  // namespace troika::grammar
