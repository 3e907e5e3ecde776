#include "text/output/call_arguments.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/printable.h"
#include "text/grammar/json_schema.h"
#include "text/grammar/members.h"
#include "text/grammar/schema_facts.h"

namespace troika {
namespace {

using grammar::ExprId;
using grammar::Grammar;
using grammar::Json;
using grammar::JsonKind;
using grammar::JsonNotation;
using grammar::JsonSchemaRules;
using grammar::Member;

constexpr JsonNotation kGemmaNotation{.quote = "<|\"|>", .raw = true, .bare_keys = true};
constexpr JsonNotation kTextNotation{.quote = "", .raw = true};
constexpr std::string_view kAnyObject = R"({"type": "object"})";

/// Keywords beside `properties` of which a list of single parameters cannot take care.
constexpr std::string_view kOfTheWhole[] = {"$ref",          "allOf",
                                            "anyOf",         "oneOf",
                                            "not",           "if",
                                            "enum",          "const",
                                            "minProperties", "maxProperties",
                                            "dependencies",  "dependentRequired",
                                            "propertyNames", "dependentSchemas"};

/// Whether every string is valid, as far as can be seen at a glance.
bool takes_any_text(const Json& schema) {
  constexpr std::string_view kNarrowing[] = {"enum",   "const", "minLength", "maxLength", "pattern",
                                             "format", "$ref",  "allOf",     "not",       "if"};
  if (schema.is(JsonKind::boolean)) return schema.boolean;
  for (const std::string_view keyword : kNarrowing)
    if (schema.find(keyword) != nullptr) return false;
  const Json* type = schema.find("type");
  for (const std::string_view branches : {"anyOf", "oneOf"})
    if (const Json* list = schema.find(branches))
      return type == nullptr && std::ranges::any_of(list->children, [](const Json* each) {
               return takes_any_text(*each);
             });
  const auto is_string = [](const Json* one) { return one->text == "string"; };
  return type == nullptr || is_string(type) || std::ranges::any_of(type->children, is_string);
}

/// Parameters one by one, each with its name.
class Parameters {
 public:
  Parameters(Grammar& grammar, const ToolSyntax& syntax, const OutputTool& tool,
             JsonSchemaRules json, JsonSchemaRules text)
      : g_(grammar), syntax_(syntax), tool_(tool), json_(std::move(json)), text_(std::move(text)) {}

  Result<std::vector<Member>> add() {
    TROIKA_RETURN_IF_ERROR(check());
    std::vector<Member> members;
    const Json* required = json_.root().find("required");
    const auto is_required = [&](std::string_view name) {
      return required != nullptr &&
             std::ranges::find(required->children, name, &Json::text) != required->children.end();
    };
    const Json* json = json_.root().find("properties");
    if (json == nullptr) return members;
    const Json& text = *text_.root().find("properties");
    for (const Json* one : json->children) {
      TROIKA_TRY(const ExprId expr, add_parameter(*one, *text.children[one->index]));
      members.push_back({expr, is_required(one->key)});
    }
    return members;
  }

 private:
  /// What the schema says beside `properties`.
  Status check() {
    const Json& root = json_.root();
    const Json* type = root.find("type");
    if (type != nullptr && type->text != "object")
      return schema_error(*type, "is not supported, wanted \"object\" for what a tool takes");
    for (const std::string_view name : kOfTheWhole)
      if (const Json* keyword = root.find(name))
        return schema_error(*keyword,
                            "is not supported for parameters that the model's format of "
                            "calls has one by one");
    const Json* properties = root.find("properties");
    if (properties != nullptr && (!properties->is(JsonKind::object) ||
                                  std::ssize(properties->children) > grammar::kSchemaPropertiesMax))
      return schema_error(*properties, fmt::format("wants an object of at most {} schemas",
                                                   grammar::kSchemaPropertiesMax));
    if (const Json* required = root.find("required"))
      for (const Json* name : required->children)
        if (properties == nullptr || properties->find(name->text) == nullptr)
          return schema_error(*name, "is no property of the schema");
    return ok();
  }

  Result<ExprId> add_parameter(const Json& json, const Json& text) {
    constexpr size_t kNameMax = Peek::kNameMax;
    const std::string& name = json.key;
    if (name.empty() || name.size() > kNameMax ||
        name.find_first_of("\"'<>(){}[],= \r\n\t") != name.npos)
      return schema_error(json, "is a name that the model's format of calls cannot write");
    if (syntax_.style == ArgumentStyle::xml) return add_element(json, text);
    TROIKA_TRY(const ExprId value, json_.add(json));
    return g_.sequence({g_.literal(name + "="), value});
  }

  /// The element of a parameter, and a line end.
  Result<ExprId> add_element(const Json& json, const Json& text) {
    const XmlSyntax& xml = *syntax_.xml;
    const bool is_text = tool_.kind_of(json.key) == ParameterKind::text;
    const bool any_text = takes_any_text(json);
    std::vector<ExprId> ways;
    if (is_text && any_text) {
      ways.push_back(g_.sequence({typed(true), g_.until({std::string(xml.value_close)})}));
    } else {
      TROIKA_TRY(const ExprId value, is_text ? text_.add(text) : json_.add(json));
      ways.push_back(g_.sequence({typed(is_text), value_between_line_ends(value)}));
      if (any_text && xml.typed)
        ways.push_back(g_.sequence({typed(true), g_.until({std::string(xml.value_close)})}));
      if (any_text && !xml.typed) ways.push_back(text_that_is_no_json());
    }
    std::vector<ExprId> parts = {
        g_.literal(fmt::format("{}{}{}", xml.open, json.key, xml.name_end))};
    if (!xml.value_open.empty()) {
      parts.push_back(add_line_end(g_));
      parts.push_back(g_.literal(xml.value_open));
    }
    parts.push_back(g_.choice(std::move(ways)));
    parts.push_back(add_line_end(g_));
    return g_.sequence(std::move(parts));
  }

  ExprId typed(bool text) {
    if (!syntax_.xml->typed) return g_.empty();
    return g_.literal(text ? " string=\"true\">" : " string=\"false\">");
  }

  ExprId value_between_line_ends(ExprId value) {
    const ExprId line_end = syntax_.xml->newlines ? add_line_end(g_) : g_.empty();
    return g_.sequence({line_end, value, line_end, g_.literal(syntax_.xml->value_close)});
  }

  /// Text that stands for itself where JSON may stand, too: it begins as no JSON does, nor a
  /// constant of Python's.
  ExprId text_that_is_no_json() {
    constexpr std::string_view kConstants[] = {"true", "false", "null", "True", "False", "None"};
    std::vector<ExprId> ways = {all_but("\t\n\r \"-0123456789<FNT[fnt{")};
    for (const std::string_view word : kConstants)
      for (size_t i = 1; i < word.size(); i++)
        ways.push_back(g_.sequence(
            {g_.literal(word.substr(0, i)),
             all_but(word[i] < '<' ? std::string{word[i], '<'} : std::string{'<', word[i]})}));
    const ExprId line_end = syntax_.xml->newlines ? add_line_end(g_) : g_.empty();
    return g_.sequence(
        {line_end, g_.choice(std::move(ways)), g_.until({std::string(syntax_.xml->value_close)})});
  }

  /// One character that is none of `but`, which rise.
  ExprId all_but(std::string_view but) {
    std::vector<grammar::CodePoints> set;
    uint32_t from = 0;
    for (const char c : but) {
      const auto code = static_cast<uint32_t>(c);
      if (code > from) set.push_back({from, code - 1});
      from = code + 1;
    }
    set.push_back({from, grammar::kCodePointMax});
    return g_.set(std::move(set));
  }

  Grammar& g_;
  const ToolSyntax& syntax_;
  const OutputTool& tool_;
  JsonSchemaRules json_, text_;  // the same schema, for values as JSON and as bare text
};

/// Elements with any name and any value.
ExprId any_elements(Grammar& g, const XmlSyntax& xml) {
  std::vector<ExprId> parts = {g.literal(xml.open), g.until({std::string(xml.name_end)})};
  if (xml.typed)
    parts.push_back(g.choice({g.literal(" string=\"true\">"), g.literal(" string=\"false\">")}));
  if (!xml.value_open.empty()) {
    parts.push_back(add_line_end(g));
    parts.push_back(g.literal(xml.value_open));
  }
  parts.push_back(g.until({std::string(xml.value_close)}));
  parts.push_back(add_line_end(g));
  return g.sequence(
      {add_line_end(g), g.repeat(g.sequence(std::move(parts)), 0, 64), g.literal(xml.call_close)});
}

/// k=v, k=v with any name and any value.
Result<ExprId> any_keywords(Grammar& g, ExprId comma) {
  TROIKA_TRY(const ExprId value, grammar::add_json_schema(g, "{}"));
  const ExprId name = g.repeat(g.set({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}), 1, 64);
  return members_in_order(g, {}, comma, g.sequence({name, g.literal("="), value}));
}

/// Elements, and what ends them.
ExprId elements(Grammar& g, const XmlSyntax& xml, const std::vector<Member>& members) {
  std::vector<ExprId> parts = {add_line_end(g)};
  for (const Member& member : members)
    parts.push_back(member.required ? member.expr : g.optional(member.expr));
  parts.push_back(g.literal(xml.call_close));
  return g.sequence(std::move(parts));
}

}  // namespace

ExprId add_line_end(Grammar& g) {
  return g.optional(g.literal("\n"));
}

Result<ExprId> add_call_arguments(Grammar& g, const ToolSyntax& syntax, const CallTool& tool) {
  const bool any = tool.parameters.empty();
  const std::string_view schema = any ? kAnyObject : tool.parameters;
  const ExprId comma = g.sequence({g.literal(","), g.optional(g.literal(" "))});
  if (any && syntax.style == ArgumentStyle::xml) return any_elements(g, *syntax.xml);
  if (any && syntax.style == ArgumentStyle::python) return any_keywords(g, comma);
  if (syntax.style == ArgumentStyle::json || syntax.style == ArgumentStyle::gemma) {
    const bool gemma = syntax.style == ArgumentStyle::gemma;
    TROIKA_TRY(auto rules,
               JsonSchemaRules::parse(g, schema, gemma ? kGemmaNotation : JsonNotation{}));
    return rules.add_objects(rules.root());
  }
  TROIKA_TRY(auto json, JsonSchemaRules::parse(g, schema));
  TROIKA_TRY(auto text, JsonSchemaRules::parse(g, schema, kTextNotation));
  TROIKA_TRY(const std::vector<Member> members,
             Parameters(g, syntax, tool.tool, std::move(json), std::move(text)).add());
  if (syntax.style == ArgumentStyle::xml) return elements(g, *syntax.xml, members);
  return members_in_order(g, members, comma, std::nullopt);
}

}  // namespace troika
