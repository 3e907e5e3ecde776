#include "serve/api/chat_grammar.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "text/grammar/gbnf.h"
#include "text/grammar/json_schema.h"
#include "text/output/call_grammar.h"

namespace troika::serve {
namespace {

using grammar::ExprId;
using grammar::Grammar;
using MadeGrammar = Result<std::shared_ptr<const TokenGrammar>>;

constexpr int64_t kCallsMax = 16;  // that tool_choice asks for

/// The grammar `root`, behind reasoning.
MadeGrammar compile(Grammar g, ExprId root, const ServedModel& model, const ChatPrompt& prompt,
                    ReasoningGrammar options) {
  const ExprId reasoning =
      add_reasoning(g, prompt.format, prompt.parser.generation_prompt, options);
  g.set_root(g.sequence({reasoning, root}));
  return compile_grammar(std::move(g), model.grammar_vocabulary());
}

/// A tool that may be called, and whether its arguments must be valid by its schema.
struct ChatTool {
  CallTool call;
  bool strict = false;
};

/// Those that `request` lets an answer call. Tools stand in the order in which the parser has them.
std::vector<ChatTool> tools_of(const ChatRequest& request, const ChatPrompt& prompt) {
  std::vector<ChatTool> tools;
  for (size_t i = 0; i < request.tools.size(); i++) {
    const Json& tool = request.tools[i];
    const Json& function = tool.contains("function") ? tool["function"] : tool;
    const OutputTool& read = prompt.parser.tools[i];
    if (request.tool_choice == ToolChoice::named && read.name != request.tool_name) continue;
    const auto schema = function.find("parameters");
    const bool any = schema == function.end() || !schema->is_object() || schema->empty();
    const auto strict = function.find("strict");
    tools.push_back({{read, any ? "" : to_text(*schema)},
                     strict != function.end() && strict->is_boolean() && strict->get<bool>()});
  }
  return tools;
}

std::vector<CallTool> calls_of(std::span<const ChatTool> tools) {
  std::vector<CallTool> calls;
  for (const ChatTool& tool : tools) calls.push_back(tool.call);
  return calls;
}

/// An answer that is calls and nothing else.
MadeGrammar calls_alone(const ServedModel& model, const ChatRequest& request,
                        const ChatPrompt& prompt) {
  Grammar g;
  const bool several = request.parallel_tool_calls && request.tool_choice == ToolChoice::required;
  const std::vector<CallTool> tools = calls_of(tools_of(request, prompt));
  TROIKA_TRY(const ExprId calls, add_calls(g, prompt.format, tools, several ? kCallsMax : 1,
                                           prompt.parser.generation_prompt));
  return compile(std::move(g), calls, model, prompt, {});
}

MadeGrammar text_with(std::span<const ChatTool> tools, const ServedModel& model,
                      const ChatRequest& request, const ChatPrompt& prompt) {
  Grammar g;
  TROIKA_TRY(const ExprId text,
             add_text_with_calls(g, prompt.format, calls_of(tools), request.parallel_tool_calls));
  return compile(std::move(g), text, model, prompt, {.may_end = true});
}

/// An answer that is free but for its calls. A schema that no grammar can follow leaves its tool's
/// arguments free, unless the tool is strict.
MadeGrammar text_with_calls(const ServedModel& model, const ChatRequest& request,
                            const ChatPrompt& prompt) {
  std::vector<ChatTool> tools = tools_of(request, prompt);
  if (MadeGrammar all = text_with(tools, model, request, prompt); all.ok()) return all;
  for (ChatTool& tool : tools) {
    MadeGrammar alone = text_with({&tool, 1}, model, request, prompt);
    if (alone.ok()) continue;
    if (tool.strict) return alone;
    tool.call.parameters.clear();
  }
  MadeGrammar some = text_with(tools, model, request, prompt);
  if (some.ok() || std::ranges::any_of(tools, &ChatTool::strict)) return some;
  return std::shared_ptr<const TokenGrammar>();
}

/// All that make_grammar() reads, as one text.
std::string key_of(const ChatRequest& request, const ChatPrompt& prompt) {
  const OutputFormat& format = prompt.format;
  const Json key =
      Json::array({static_cast<int>(format.family), format.reasoning_open, format.reasoning_close,
                   prompt.parser.generation_prompt, request.grammar, request.schema.value_or(""),
                   static_cast<int>(request.tool_choice), request.tool_name,
                   request.parallel_tool_calls, request.tools});
  return to_text(key);
}

MadeGrammar make_grammar(const ServedModel& model, const ChatRequest& request,
                         const ChatPrompt& prompt) {
  constexpr ReasoningGrammar kAnswer{.final = true};
  if (!request.grammar.empty()) {
    TROIKA_TRY(Grammar g, grammar::parse_gbnf(request.grammar, *model.grammar_vocabulary()));
    const ExprId root = g.root();
    return compile(std::move(g), root, model, prompt, kAnswer);
  }
  if (request.schema) {
    Grammar g;
    const bool any = *request.schema == "{}";
    TROIKA_TRY(const ExprId root,
               grammar::add_json_schema(g, any ? R"({"type": "object"})" : *request.schema));
    return compile(std::move(g), root, model, prompt, kAnswer);
  }
  if (request.tool_choice == ToolChoice::required || request.tool_choice == ToolChoice::named)
    return calls_alone(model, request, prompt);
  if (!marks_calls(prompt.format.family)) return std::shared_ptr<const TokenGrammar>();
  return text_with_calls(model, request, prompt);
}

}  // namespace

MadeGrammar chat_grammar(const ServedModel& model, TenantId tenant, const ChatRequest& request,
                         const ChatPrompt& prompt) {
  const bool no_calls = request.tool_choice == ToolChoice::none ||
                        (request.tool_choice == ToolChoice::automatic && request.tools.is_null());
  if (request.grammar.empty() && !request.schema && no_calls)
    return std::shared_ptr<const TokenGrammar>();
  return model.grammars().get(tenant, key_of(request, prompt),
                              [&] { return make_grammar(model, request, prompt); });
}

}  // namespace troika::serve
