#include "text/grammar/json_schema.h"

#include <algorithm>
#include <map>
#include <span>
#include <unordered_set>

#include "core/printable.h"
#include "text/grammar/json_text.h"
#include "text/grammar/members.h"
#include "text/grammar/regex.h"
#include "text/grammar/schema_facts.h"
#include "text/grammar/schema_formats.h"
#include "text/grammar/schema_json.h"
#include "text/grammar/schema_overlap.h"
#include "text/utf8.h"

namespace troika::grammar {
namespace {

/// What is valid by some schemas; nothing where nothing is.
using Valid = std::optional<ExprId>;

}  // namespace

class SchemaCompiler {
 public:
  SchemaCompiler(Grammar& grammar, const JsonDocument& document, const JsonNotation& notation)
      : g_(grammar), document_(document), notation_(notation) {}

  /// What is valid by all of `parts`, as a rule, so that schemas may refer to each other.
  Result<Valid> compile(const SchemaParts& unresolved) {
    TROIKA_TRY(const SchemaParts parts, resolve_schemas(document_, unresolved));
    TROIKA_RETURN_IF_ERROR(spend(*parts.front().schema, work_of(parts)));
    SchemaParts key = parts;
    std::ranges::sort(key);
    if (const auto known = known_.find(key); known != known_.end()) return known->second;
    const Json& first = *parts.front().schema;
    if (++depth_ > kSchemaDepthMax)
      return schema_error(first, fmt::format("is more than {} schemas deep", kSchemaDepthMax));
    if (std::ssize(g_.rules()) + kSchemaBranchesMax > kRulesMax)
      return schema_error(first, "makes the grammar too large");
    const RuleId rule = g_.add_rule(first.place());
    known_[key] = g_.rule(rule);
    TROIKA_TRY(const Valid body, compile_new(parts));
    g_.define(rule, body ? *body : g_.choice({}));
    if (!body) known_[key] = std::nullopt;
    depth_--;
    return known_[key];
  }

 private:
  /// Small schemas can ask for much: there is an end to what is looked at for one of them.
  Status spend(const Json& schema, int64_t work) {
    work_ += work;
    if (work_ <= kSchemaWorkMax) return ok();
    return schema_error(schema, "makes the grammar too large");
  }

  Result<Valid> compile_new(const SchemaParts& parts) {
    for (size_t i = 0; i < parts.size(); i++) {
      const Json* any = parts[i].any_of_done ? nullptr : parts[i].schema->find("anyOf");
      const Json* one = parts[i].one_of_done ? nullptr : parts[i].schema->find("oneOf");
      if (any != nullptr || one != nullptr) return compile_branches(parts, i, any, one);
    }
    TROIKA_TRY(const SchemaFacts facts, gather_facts(parts));
    if (facts.never) return Valid();
    if (facts.values) return compile_values(facts);
    std::vector<ExprId> ways;
    const auto add = [&ways](const Valid& way) {
      if (way) ways.push_back(*way);
    };
    const uint32_t types = facts.written_types();
    if ((types & kObject) != 0) {
      TROIKA_TRY(const Valid way, compile_object(facts));
      add(way);
    }
    if ((types & kArray) != 0) {
      TROIKA_TRY(const Valid way, compile_array(facts));
      add(way);
    }
    if ((types & kString) != 0) {
      TROIKA_TRY(const Valid way, compile_string(facts));
      add(way);
    }
    if ((types & kFractional) != 0)
      add(number_between(g_, facts.bounds));
    else if ((types & kInteger) != 0)
      add(integer_between(g_, facts.bounds));
    if ((types & kBoolean) != 0) add(g_.choice({g_.literal("true"), g_.literal("false")}));
    if ((types & kNull) != 0) add(g_.literal("null"));
    return ways.empty() ? Valid() : Valid(g_.choice(std::move(ways)));
  }

  /// Each branch together with all else that must hold.
  Result<Valid> compile_branches(const SchemaParts& parts, size_t which, const Json* any,
                                 const Json* one) {
    const Json& branches = any != nullptr ? *any : *one;
    if (!branches.is(JsonKind::array) || branches.children.empty() ||
        std::ssize(branches.children) > kSchemaBranchesMax)
      return schema_error(branches,
                          fmt::format("wants an array of 1 to {} schemas", kSchemaBranchesMax));
    if (any == nullptr) TROIKA_RETURN_IF_ERROR(check_one_of(parts, which, branches));
    std::vector<ExprId> ways;
    for (const Json* branch : branches.children) {
      TROIKA_TRY(const Valid way, compile(with_branch(parts, which, any != nullptr, *branch)));
      if (way) ways.push_back(*way);
    }
    return ways.empty() ? Valid() : Valid(g_.choice(std::move(ways)));
  }

  static SchemaParts with_branch(SchemaParts parts, size_t which, bool any, const Json& branch) {
    (any ? parts[which].any_of_done : parts[which].one_of_done) = true;
    parts.push_back({.schema = &branch});
    return parts;
  }

  /// A text must be valid by exactly one branch of oneOf: no two may overlap.
  Status check_one_of(const SchemaParts& parts, size_t which, const Json& branches) {
    std::vector<SchemaFacts> facts;
    for (const Json* branch : branches.children) {
      TROIKA_TRY(const SchemaParts all,
                 resolve_schemas(document_, with_branch(parts, which, false, *branch)));
      TROIKA_RETURN_IF_ERROR(spend(*branch, work_of(all)));
      TROIKA_TRY(SchemaFacts each, gather_facts(all));
      facts.push_back(std::move(each));
    }
    SchemaOverlap overlap(document_, kSchemaWorkMax - work_);
    for (size_t i = 0; i < facts.size(); i++)
      for (size_t j = i + 1; j < facts.size(); j++)
        if (!overlap.never_both(facts[i], facts[j]))
          return schema_error(branches,
                              fmt::format("is not supported where its branches {} and {} may both "
                                          "hold; wanted anyOf, or a property that tells them apart",
                                          i, j));
    return spend(branches, overlap.work());
  }

  Result<Valid> compile_values(const SchemaFacts& facts) {
    const bool plain = facts.length == nullptr && facts.pattern == nullptr && !facts.bounds.lower &&
                       !facts.bounds.upper && facts.objects.empty() && facts.arrays.empty() &&
                       facts.items == nullptr && facts.properties_min == nullptr &&
                       facts.properties_max == nullptr;
    std::vector<ExprId> ways;
    for (const Json* value : *facts.values) {
      if (!plain) return schema_error(*value, "is not supported beside keywords other than type");
      if ((type_of_value(*value) & facts.types) == 0) continue;
      TROIKA_TRY(const std::string text, written(*value));
      ways.push_back(g_.literal(text));
    }
    return ways.empty() ? Valid() : Valid(g_.choice(std::move(ways)));
  }

  Result<Valid> compile_string(const SchemaFacts& facts) {
    const Json* shape = facts.pattern != nullptr ? facts.pattern : facts.format;
    if (shape != nullptr) {
      if (facts.length != nullptr)
        return schema_error(*facts.length, fmt::format("is not supported beside {}", shape->key));
      if (facts.pattern != nullptr && facts.format != nullptr)
        return schema_error(*facts.format, "is not supported beside pattern");
      const std::string_view pattern =
          facts.pattern != nullptr ? shape->text : pattern_of_format(shape->text);
      if (pattern.empty() && facts.pattern == nullptr)
        return schema_error(*shape, fmt::format("is \"{}\", wanted one of: {}",
                                                printable(shape->text), format_names()));
      const Result<ExprId> text = add_pattern(g_, pattern, notation_);
      if (!text.ok()) return schema_error(*shape, text.error().message());
      return Valid(quoted(*text));
    }
    if (facts.length_max != kUnbounded && facts.length_max < facts.length_min) return Valid();
    return Valid(text_between(facts.length_min, facts.length_max));
  }

  ExprId quoted(ExprId text) {
    return g_.sequence({g_.literal(notation_.quote), text, g_.literal(notation_.quote)});
  }
  ExprId text_between(int64_t min, int64_t max) {
    if (notation_.raw && !notation_.quote.empty() && min == 0 && max == kUnbounded)
      return g_.sequence({g_.literal(notation_.quote), g_.until({std::string(notation_.quote)})});
    return quoted(g_.repeat(character(), min, max));
  }

  /// A value as it is written here. Errors: invalid_argument — its text would end it.
  Result<std::string> written(const Json& value) {
    if (!notation_.raw) return json_text(value);
    if (!readable_raw(value))
      return schema_error(value, "holds what cannot be written in the model's format of calls");
    return raw_text(value, notation_);
  }

  ExprId character() {
    if (!character_) character_ = any_string_character(g_, notation_);
    return *character_;
  }

  /// What stands between members and items, and behind a key.
  ExprId comma() { return separator(comma_, ","); }
  ExprId colon() { return separator(colon_, ":"); }
  ExprId separator(Valid& made, std::string_view sign) {
    if (!made) made = g_.sequence({g_.literal(sign), g_.optional(g_.literal(" "))});
    return *made;
  }

  Result<Valid> compile_object(const SchemaFacts& facts) {
    const std::vector<std::string_view> names = names_of(facts);
    if (std::ssize(names) > kSchemaPropertiesMax)
      return schema_error(*facts.objects.front(), "has too many properties in all");
    if (!facts.objects.empty())
      TROIKA_RETURN_IF_ERROR(
          spend(*facts.objects.front(), std::ssize(names) * std::ssize(facts.objects)));
    TROIKA_RETURN_IF_ERROR(check_unevaluated(document_, facts));
    std::vector<Member> members;
    for (const std::string_view name : names) {
      TROIKA_TRY(const Valid value, compile_member(facts, name));
      const bool required = facts.requires_key(name);
      if (!value && required) return Valid();
      if (!value) continue;
      TROIKA_TRY(const ExprId key, key_of(facts, name));
      members.push_back({g_.sequence({key, colon(), *value}), required});
    }
    TROIKA_TRY(const Valid extra, compile_extra_member(facts, names));
    TROIKA_RETURN_IF_ERROR(check_member_count(facts, std::ssize(members), extra.has_value()));
    return Valid(g_.sequence(
        {g_.literal("{"), members_in_order(g_, members, comma(), extra), g_.literal("}")}));
  }

  static std::vector<std::string_view> names_of(const SchemaFacts& facts) {
    std::vector<std::string_view> names;
    std::unordered_set<std::string_view> known;
    const auto add = [&](std::string_view name) {
      if (known.insert(name).second) names.push_back(name);
    };
    for (const Json* schema : facts.objects)
      if (const Json* properties = schema->find("properties"))
        for (const Json* each : properties->children) add(each->key);
    for (const std::string_view name : facts.required) add(name);
    return names;
  }

  Result<ExprId> key_of(const SchemaFacts& facts, std::string_view name) {
    if (!notation_.bare_keys) return g_.literal(json_quoted(name));
    if (!is_bare_key(name))
      return schema_error(*facts.objects.front(),
                          fmt::format("has the key \"{}\", which cannot be written in the model's "
                                      "format of calls",
                                      printable(name)));
    return g_.literal(name);
  }

  /// The value of one key, by what each schema says of it.
  Result<Valid> compile_member(const SchemaFacts& facts, std::string_view name) {
    SchemaParts parts;
    for (const Json* schema : facts.objects) {
      const Json* properties = schema->find("properties");
      const Json* own = properties != nullptr ? properties->find(name) : nullptr;
      if (own == nullptr) own = schema->find("additionalProperties");
      if (own != nullptr) parts.push_back({.schema = own});
    }
    return parts.empty() ? Result<Valid>(any_value()) : compile(parts);
  }

  /// Members that no schema names: only where some schema asks for them, or none says anything of
  /// members.
  Result<Valid> compile_extra_member(const SchemaFacts& facts,
                                     const std::vector<std::string_view>& names) {
    SchemaParts parts;
    for (const Json* schema : facts.objects) {
      const Json* unevaluated = schema->find("unevaluatedProperties");
      if (unevaluated != nullptr && !unevaluated->boolean) return Valid();
      if (const Json* more = schema->find("additionalProperties"))
        parts.push_back({.schema = more});
    }
    if (parts.empty() && !names.empty()) return Valid();
    Valid value = any_value();
    if (!parts.empty()) {
      TROIKA_TRY(value, compile(parts));
    }
    if (!value) return Valid();
    return Valid(g_.sequence({extra_key(names), colon(), *value}));
  }

  static Status check_member_count(const SchemaFacts& facts, int64_t members, bool extra) {
    const auto needed = std::ssize(facts.required);
    if (facts.properties_min != nullptr && facts.members_min > needed)
      return schema_error(*facts.properties_min,
                          fmt::format("is not supported above the {} required ones", needed));
    if (facts.properties_max != nullptr && (extra || facts.members_max < members))
      return schema_error(*facts.properties_max, "is not supported below the number of properties");
    return ok();
  }

  /// A key of plain characters that is none of `names`. Escapes could spell one of these.
  ExprId extra_key(const std::vector<std::string_view>& names) {
    std::vector<std::string_view> words;
    for (const std::string_view name : names)
      if (json_quoted(name).size() == name.size() + 2) words.push_back(name);
    std::ranges::sort(words);
    const std::string_view quote = notation_.bare_keys ? "" : "\"";
    return g_.sequence({g_.literal(quote), other_word(words, 0), g_.literal(quote)});
  }

  /// What may follow the first `at` bytes, which all of `words` have, so that none of them comes
  /// out. Keys that differ inside of a character differ in the whole character.
  ExprId other_word(std::span<const std::string_view> words, size_t at) {
    const ExprId more = g_.repeat(plain_character(), 0, kExtraKeyMax);
    std::vector<ExprId> ways;
    std::vector<CodePoints> taken;
    bool is_word = at == 0;  // no key is empty
    while (!words.empty()) {
      if (words.front().size() == at) {
        is_word = true;
        words = words.subspan(1);
        continue;
      }
      uint32_t character = 0;
      const int read = text::read_utf8(words.front().substr(at), character);
      const std::string_view next = words.front().substr(at, std::max(read, 1));
      const auto same = static_cast<size_t>(std::ranges::count_if(
          words, [&](std::string_view word) { return word.substr(at).starts_with(next); }));
      taken.push_back({character, character});
      if (read > 0 && std::ssize(words.front()) <= kExtraKeyMax)
        ways.push_back(
            g_.sequence({g_.literal(next), other_word(words.first(same), at + next.size())}));
      words = words.subspan(same);
    }
    ways.push_back(g_.sequence({plain_character_but(taken), more}));
    if (!is_word) ways.push_back(g_.empty());
    return g_.choice(std::move(ways));
  }

  ExprId plain_character() {
    if (!plain_character_) plain_character_ = plain_character_but({});
    return *plain_character_;
  }

  /// `but` in rising order.
  ExprId plain_character_but(const std::vector<CodePoints>& but) {
    std::vector<CodePoints> set;
    const std::vector<CodePoints> all =
        notation_.bare_keys
            ? std::vector<CodePoints>{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}
            : std::vector<CodePoints>{{0x20, 0x21}, {0x23, 0x5B}, {0x5D, kCodePointMax}};
    for (CodePoints range : all) {
      for (const CodePoints& c : but) {
        if (c.first < range.first || c.first > range.last) continue;
        if (c.first > range.first) set.push_back({range.first, c.first - 1});
        range.first = c.first + 1;
      }
      if (range.first <= range.last) set.push_back(range);
    }
    return g_.set(std::move(set));
  }

  Result<Valid> compile_array(const SchemaFacts& facts) {
    std::vector<ExprId> parts;
    int64_t count = 0;
    const int64_t fixed = prefix_length(facts);
    if (fixed > 0)
      TROIKA_RETURN_IF_ERROR(spend(*facts.arrays.front(), fixed * std::ssize(facts.arrays)));
    for (; count < fixed && count != facts.items_max; count++) {
      TROIKA_TRY(const Valid item, compile_item(facts, count));
      if (!item) break;
      if (count > 0) parts.push_back(comma());
      parts.push_back(*item);
    }
    const bool complete = count == fixed;
    Valid item;
    if (complete && (fixed == 0 || says_more(facts) || count < facts.items_min)) {
      TROIKA_TRY(item, compile_item(facts, fixed));
    }
    const int64_t min = std::max<int64_t>(0, facts.items_min - count);
    const int64_t max = facts.items_max == kUnbounded ? kUnbounded : facts.items_max - count;
    if ((max != kUnbounded && max < min) || (!item && min > 0)) return Valid();
    if (item && max != 0) parts.push_back(more_items(*item, count > 0, min, max));
    return Valid(g_.sequence({g_.literal("["), g_.sequence(std::move(parts)), g_.literal("]")}));
  }

  /// `min` to `max` items with commas between them, and in front where others came before.
  ExprId more_items(ExprId item, bool behind, int64_t min, int64_t max) {
    const ExprId next = g_.sequence({comma(), item});
    if (behind) return g_.repeat(next, min, max);
    const int64_t others = max == kUnbounded ? kUnbounded : max - 1;
    const ExprId all = g_.sequence({item, g_.repeat(next, std::max<int64_t>(0, min - 1), others)});
    return min == 0 ? g_.optional(all) : all;
  }

  /// The schemas of the first items: prefixItems, or before 2020 an array as items.
  static const Json* prefix_of(const Json& schema) {
    if (const Json* prefix = schema.find("prefixItems")) return prefix;
    const Json* items = schema.find("items");
    return items != nullptr && items->is(JsonKind::array) ? items : nullptr;
  }
  static const Json* rest_of(const Json& schema) {
    const Json* items = schema.find("items");
    return items != nullptr && !items->is(JsonKind::array) ? items : schema.find("additionalItems");
  }
  static int64_t prefix_length(const SchemaFacts& facts) {
    int64_t length = 0;
    for (const Json* schema : facts.arrays)
      if (const Json* prefix = prefix_of(*schema))
        length = std::max<int64_t>(length, std::ssize(prefix->children));
    return length;
  }
  static bool says_more(const SchemaFacts& facts) {
    return std::ranges::any_of(facts.arrays,
                               [](const Json* schema) { return rest_of(*schema) != nullptr; });
  }

  Result<Valid> compile_item(const SchemaFacts& facts, int64_t number) {
    SchemaParts parts;
    for (const Json* schema : facts.arrays) {
      const Json* prefix = prefix_of(*schema);
      const Json* own = rest_of(*schema);
      if (prefix != nullptr && number < std::ssize(prefix->children))
        own = prefix->children[static_cast<size_t>(number)];
      if (own != nullptr) parts.push_back({.schema = own});
    }
    return parts.empty() ? Result<Valid>(any_value()) : compile(parts);
  }

  /// Any JSON value: objects and arrays of any values again.
  ExprId any_value() {
    if (any_value_) return g_.rule(*any_value_);
    any_value_ = g_.add_rule("any value");
    const ExprId text = text_between(0, kUnbounded);
    const ExprId value = g_.rule(*any_value_);
    const ExprId member = g_.sequence({extra_key({}), colon(), value});
    g_.define(*any_value_,
              g_.choice({g_.sequence({g_.literal("{"), members_in_order(g_, {}, comma(), member),
                                      g_.literal("}")}),
                         g_.sequence({g_.literal("["), more_items(value, false, 0, kUnbounded),
                                      g_.literal("]")}),
                         text, *number_between(g_, {}), g_.literal("true"), g_.literal("false"),
                         g_.literal("null")}));
    return value;
  }

  Grammar& g_;
  const JsonDocument& document_;
  const JsonNotation notation_;
  std::map<SchemaParts, Valid> known_;  // by parts in an order that stands for all orders
  int32_t depth_ = 0;
  int64_t work_ = 0;
  Valid character_, plain_character_, comma_, colon_;
  std::optional<RuleId> any_value_;
};

JsonSchemaRules::JsonSchemaRules(Grammar& grammar, JsonDocument document,
                                 const JsonNotation& notation)
    : document_(std::make_unique<const JsonDocument>(std::move(document))),
      object_(std::make_unique<const JsonDocument>(object_document())),
      compiler_(std::make_unique<SchemaCompiler>(grammar, *document_, notation)) {}
JsonSchemaRules::JsonSchemaRules(JsonSchemaRules&&) noexcept = default;
JsonSchemaRules::~JsonSchemaRules() = default;

JsonDocument JsonSchemaRules::object_document() {
  return JsonDocument::parse(R"({"type": "object"})").value();
}

Result<JsonSchemaRules> JsonSchemaRules::parse(Grammar& grammar, std::string_view json,
                                               const JsonNotation& notation) {
  TROIKA_TRY(JsonDocument document, JsonDocument::parse(json));
  return JsonSchemaRules(grammar, std::move(document), notation);
}

Result<ExprId> JsonSchemaRules::add(const Json& schema) {
  TROIKA_TRY(const Valid valid, compiler_->compile({{.schema = &schema}}));
  if (!valid) return schema_error(schema, "nothing is valid by it");
  return *valid;
}

Result<ExprId> JsonSchemaRules::add_objects(const Json& schema) {
  TROIKA_TRY(const Valid valid,
             compiler_->compile({{.schema = &schema}, {.schema = &object_->root()}}));
  if (!valid) return schema_error(schema, "no object is valid by it");
  return *valid;
}

Result<ExprId> add_json_schema(Grammar& grammar, std::string_view json) {
  TROIKA_TRY(JsonSchemaRules rules, JsonSchemaRules::parse(grammar, json));
  return rules.add(rules.root());
}

}  // namespace troika::grammar
