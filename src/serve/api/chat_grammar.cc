#include "serve/api/chat_grammar.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "text/grammar/json_schema.h"

namespace troika::serve {
namespace {

using grammar::ExprId;
using grammar::Grammar;

/// What stands before the grammar: the rest of the reasoning, where the prompt left it open.
GrammarOptions behind_reasoning(const ChatPrompt& prompt) {
  if (OutputParser(prompt.format, prompt.parser).phase() != OutputPhase::reasoning) return {};
  return {.before = {{.markers = {std::string(prompt.format.reasoning_close)},
                      .may_end = false,
                      .line_breaks_after = true}}};
}

/// The arguments of a call by the tool's schema; any object without one.
Result<ExprId> arguments(Grammar& g, const Json& function) {
  const auto schema = function.find("parameters");
  if (schema == function.end() || !schema->is_object() || schema->empty())
    return grammar::add_json_schema(g, R"({"type": "object"})");
  return grammar::add_json_schema(g, to_text(*schema));
}

/// <tool_call>\n{"name": "N", "arguments": {...}}\n</tool_call>
Result<ExprId> hermes_call(Grammar& g, const Json& function) {
  TROIKA_TRY(const ExprId json, arguments(g, function));
  const std::string name = to_text(function["name"]);
  return g.sequence({g.literal("<tool_call>\n{\"name\": " + name + ", \"arguments\": "), json,
                     g.literal("}\n</tool_call>")});
}

/// <tool_call>\n<function=N>\n<parameter=K>\nV\n</parameter>\n</function>\n</tool_call>; a value
/// is any text, and parameters that are wanted come first, in the order of the schema.
ExprId qwen_xml_call(Grammar& g, const Json& function) {
  std::vector<ExprId> parts = {
      g.literal("<tool_call>\n<function=" + function["name"].get<std::string>() + ">\n")};
  const Json empty = Json::object();
  const Json& schema = function.contains("parameters") ? function["parameters"] : empty;
  const Json properties = schema.is_object() ? schema.value("properties", empty) : empty;
  const Json wanted = schema.is_object() ? schema.value("required", Json::array()) : empty;
  for (const auto& [key, unused] : properties.items()) {
    const ExprId one =
        g.sequence({g.literal("<parameter=" + key + ">\n"), g.until({"\n</parameter>\n"})});
    const bool is_wanted = std::ranges::find(wanted, Json(key)) != wanted.end();
    parts.push_back(is_wanted ? one : g.optional(one));
  }
  parts.push_back(g.literal("</function>\n</tool_call>"));
  return g.sequence(std::move(parts));
}

Result<std::shared_ptr<const TokenGrammar>> call_grammar(const ServedModel& model,
                                                         const ChatRequest& request,
                                                         const ChatPrompt& prompt) {
  Grammar g;
  std::vector<ExprId> calls;
  for (const Json& tool : request.tools) {
    const Json& function = tool.contains("function") ? tool["function"] : tool;
    if (request.tool_choice == ToolChoice::named && function["name"] != request.tool_name) continue;
    if (prompt.format.family == OutputFamily::qwen_xml) {
      calls.push_back(qwen_xml_call(g, function));
    } else if (prompt.format.family == OutputFamily::hermes) {
      TROIKA_TRY(const ExprId call, hermes_call(g, function));
      calls.push_back(call);
    } else {
      return fail(ErrorCode::unsupported,
                  "the model's calls ({}) are not known as a grammar, wanted tool_choice auto",
                  output_family_name(prompt.format.family));
    }
  }
  const ExprId one = g.choice(std::move(calls));
  const bool several = request.parallel_tool_calls && request.tool_choice == ToolChoice::required;
  g.set_root(several ? g.sequence({one, g.repeat(g.sequence({g.literal("\n"), one}), 0, 15)})
                     : one);
  return compile_grammar(std::move(g), model.grammar_vocabulary(), behind_reasoning(prompt));
}

}  // namespace

Result<std::shared_ptr<const TokenGrammar>> chat_grammar(const ServedModel& model,
                                                         const ChatRequest& request,
                                                         const ChatPrompt& prompt) {
  const auto vocabulary = model.grammar_vocabulary();
  if (!request.grammar.empty())
    return compile_gbnf(request.grammar, vocabulary, behind_reasoning(prompt));
  if (request.schema == "{}") return compile_json_object(vocabulary, behind_reasoning(prompt));
  if (request.schema)
    return compile_json_schema(*request.schema, vocabulary, behind_reasoning(prompt));
  if (request.tool_choice == ToolChoice::required || request.tool_choice == ToolChoice::named)
    return call_grammar(model, request, prompt);
  return std::shared_ptr<const TokenGrammar>();
}

}  // namespace troika::serve
