#include "text/grammar/schema_overlap.h"

#include <algorithm>

namespace troika::grammar {
namespace {

constexpr int32_t kLooksMax = 4;  // into properties of properties

/// The schemas of a property; none where an object may not have it.
SchemaParts property_of(const SchemaFacts& facts, std::string_view name) {
  SchemaParts parts;
  for (const Json* schema : facts.objects) {
    const Json* properties = schema->find("properties");
    const Json* own = properties != nullptr ? properties->find(name) : nullptr;
    if (own != nullptr) parts.push_back({.schema = own});
  }
  return parts;
}

/// Whether objects that are written by `facts` may have keys that no schema names.
bool writes_any_key(const SchemaFacts& facts) {
  bool names = false, asks = false;
  for (const Json* schema : facts.objects) {
    const Json* more = schema->find("additionalProperties");
    names = names || schema->find("properties") != nullptr || schema->find("required") != nullptr;
    asks = asks || (more != nullptr && !(more->is(JsonKind::boolean) && !more->boolean));
  }
  return asks || !names;
}

/// Whether `facts` forbid keys that they do not name.
bool forbids_other_keys(const SchemaFacts& facts) {
  return std::ranges::any_of(facts.objects, [](const Json* schema) {
    const Json* more = schema->find("additionalProperties");
    return more != nullptr && more->is(JsonKind::boolean) && !more->boolean &&
           schema->find("properties") != nullptr;
  });
}

/// Whether no object written by `a` is valid by `b`.
bool refused_by(const SchemaFacts& a, const SchemaFacts& b) {
  const bool lacks = !writes_any_key(a) && std::ranges::any_of(b.required, [&](auto name) {
    return property_of(a, name).empty() && !a.requires_key(name);
  });
  return lacks || (forbids_other_keys(b) && std::ranges::any_of(a.required, [&](auto name) {
                     return property_of(b, name).empty();
                   }));
}

}  // namespace

bool SchemaOverlap::spend(int64_t work) {
  work_ += work;
  return work_ <= work_max_;
}

bool SchemaOverlap::never_both(const SchemaFacts& a, const SchemaFacts& b) {
  return distinct(a, b, kLooksMax);
}

bool SchemaOverlap::objects_distinct(const SchemaFacts& a, const SchemaFacts& b, int32_t looks) {
  const int64_t schemas = std::ssize(a.objects) + std::ssize(b.objects);
  const int64_t names = std::ssize(a.required) + std::ssize(b.required);
  if (!spend(names * schemas + std::ssize(a.required) * std::ssize(b.required))) return false;
  if (refused_by(a, b) && refused_by(b, a)) return true;
  for (const std::string_view name : a.required) {
    if (!b.requires_key(name)) continue;
    const SchemaParts in_a = property_of(a, name), in_b = property_of(b, name);
    if (in_a.empty() || in_b.empty()) continue;
    const auto parts_a = resolve_schemas(document_, in_a),
               parts_b = resolve_schemas(document_, in_b);
    if (!parts_a.ok() || !parts_b.ok()) continue;
    if (!spend(work_of(*parts_a) + work_of(*parts_b))) return false;
    const auto facts_a = gather_facts(*parts_a), facts_b = gather_facts(*parts_b);
    if (facts_a.ok() && facts_b.ok() && distinct(*facts_a, *facts_b, looks - 1)) return true;
  }
  return false;
}

/// Whether no value of an enum is valid by another schema.
bool SchemaOverlap::none_valid(const SchemaFacts& values, const SchemaFacts& by) {
  if (!spend(std::ssize(*values.values) * (1 + (by.values ? std::ssize(*by.values) : 0))))
    return false;
  return std::ranges::all_of(*values.values, [&](const Json* value) {
    const auto equal = [&](const Json* other) { return same_value(*value, *other); };
    return (type_of_value(*value) & by.types) == 0 ||
           (by.values && std::ranges::none_of(*by.values, equal));
  });
}

bool SchemaOverlap::distinct(const SchemaFacts& a, const SchemaFacts& b, int32_t looks) {
  if (looks < 0 || !spend(1)) return false;
  if (a.never || b.never) return true;
  if (a.values && none_valid(a, b)) return true;
  if (b.values && none_valid(b, a)) return true;
  if (a.values || b.values) return false;
  // What is written by either has a type that it writes; the other may allow more than it writes.
  const bool apart = (a.written_types() & b.types) == 0 && (b.written_types() & a.types) == 0;
  if (apart) return true;
  const uint32_t both = (a.written_types() & b.types) | (b.written_types() & a.types);
  return both == kObject && objects_distinct(a, b, looks);
}

}  // namespace troika::grammar
