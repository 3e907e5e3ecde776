#include "text/output/call_grammar.h"

#include <algorithm>
#include <vector>

#include "core/printable.h"
#include "text/grammar/schema_json.h"
#include "text/output/call_arguments.h"
#include "text/output/output_reader.h"

namespace troika {
namespace {

using grammar::ExprId;
using grammar::Grammar;

/// Whether white space between `before` and what follows is the writer's to leave out.
bool is_loose(char space, char before) {
  return space == '\n' || std::string_view(":,;[\n ").find(before) != std::string_view::npos;
}

/// A text of a CallForm.
ExprId add_text(Grammar& g, std::string_view text, bool behind_name = false) {
  std::vector<ExprId> parts;
  char before = 'x';
  for (const char c : text) {
    const ExprId one = c == '#'   ? g.repeat(g.set({{'0', '9'}}), 1, 3)
                       : c == '@' ? g.repeat(g.set({{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}), 9, 9)
                                  : g.literal({&c, 1});
    const bool fixed = behind_name && parts.empty();
    const bool loose = (c == ' ' || c == '\n') && is_loose(c, before) && !fixed;
    parts.push_back(loose ? g.optional(one) : one);
    before = c;
  }
  return g.sequence(std::move(parts));
}

bool is_plain_name(std::string_view name) {
  return name.size() <= Peek::kNameMax && std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.';
         });
}

/// The calls of one family.
class CallWriter {
 public:
  CallWriter(Grammar& grammar, const ToolSyntax& syntax) : g_(grammar), syntax_(syntax) {}

  Status take(std::span<const CallTool> tools) {
    if (syntax_.forms.empty())
      return fail(ErrorCode::unsupported,
                  "the model's chat template has no calls of tools ({}), wanted tool_choice auto",
                  syntax_.name);
    for (const CallTool& tool : tools) {
      const std::string& name = tool.tool.name;
      if (!in_json() && !is_plain_name(name))
        return fail(ErrorCode::unsupported,
                    "the tool \"{}\": calls as the model writes them ({}) cannot name it, wanted "
                    "letters, digits and \"_-.\"",
                    printable(name), syntax_.name);
      auto arguments = add_call_arguments(g_, syntax_, tool);
      if (!arguments.ok())
        return fail(arguments.error().code(), "the tool \"{}\": {}", printable(name),
                    arguments.error().message());
      calls_.push_back(
          {in_json() ? grammar::json_escaped(name) : name, g_.named("arguments", *arguments)});
    }
    return ok();
  }

  /// One to `calls_max` calls in any form.
  /// @param read  how the first begins, where that is behind us.
  ExprId calls(int64_t calls_max, std::string_view read) {
    std::vector<ExprId> ways;
    for (const CallForm& form : syntax_.forms) ways.push_back(calls(form, calls_max, read));
    return g_.choice(std::move(ways));
  }

 private:
  struct Call {
    std::string name;  // as it is written
    ExprId arguments;
  };

  bool in_json() const { return syntax_.forms.front().begin.find('{') != std::string_view::npos; }

  ExprId calls(const CallForm& form, int64_t calls_max, std::string_view read) {
    const ExprId named = add_text(g_, form.named, true);
    const ExprId end = g_.sequence({g_.optional(add_text(g_, form.id)), add_text(g_, form.end)});
    std::vector<ExprId> ways;
    for (const Call& call : calls_)
      ways.push_back(g_.sequence({g_.literal(call.name), named, call.arguments, end}));
    const ExprId one = g_.named("call", g_.choice(std::move(ways)));
    const std::string first = std::string(form.section) + std::string(form.begin);
    const ExprId next = g_.sequence({add_text(g_, form.between), add_text(g_, form.begin), one});
    return g_.sequence({add_text(g_, std::string_view(first).substr(read.size())), one,
                        g_.repeat(next, 0, calls_max - 1), add_text(g_, form.close)});
  }

  Grammar& g_;
  const ToolSyntax& syntax_;
  std::vector<Call> calls_;
};

/// The first of a row of messages is reasoning, or there is none.
ExprId harmony_reasoning(Grammar& g, std::string_view prompt, ReasoningGrammar options) {
  const size_t start = prompt.rfind("<|start|>");
  if (start == prompt.npos || prompt.find("<|message|>", start) != prompt.npos) return g.empty();
  const ExprId analysis =
      g.sequence({g.literal("<|channel|>analysis<|message|>"),
                  g.free_text({"<|end|>"}, options.may_end), g.literal("<|start|>assistant")});
  if (!options.final) return g.optional(analysis);
  return g.sequence({g.optional(analysis), g.literal("<|channel|>final"),
                     g.optional(g.literal(" <|constrain|>json")), g.literal("<|message|>")});
}

}  // namespace

bool marks_calls(OutputFamily family) {
  return !tool_syntax(family).trigger.empty();
}

Result<ExprId> add_calls(Grammar& g, const OutputFormat& format, std::span<const CallTool> tools,
                         int64_t calls_max, std::string_view generation_prompt) {
  const ToolSyntax& syntax = tool_syntax(format.family);
  CallWriter writer(g, syntax);
  TROIKA_RETURN_IF_ERROR(writer.take(tools));
  const std::string_view section = syntax.forms.front().section;
  const bool begun = !section.empty() && generation_prompt.ends_with(section);
  return writer.calls(calls_max, begun ? section : "");
}

Result<ExprId> add_text_with_calls(Grammar& g, const OutputFormat& format,
                                   std::span<const CallTool> tools, bool several) {
  constexpr int64_t kCallsMax = 64;  // of one section
  const ToolSyntax& syntax = tool_syntax(format.family);
  CallWriter writer(g, syntax);
  TROIKA_RETURN_IF_ERROR(writer.take(tools));
  const ExprId text = g.free_text({std::string(syntax.trigger)}, true);
  const ExprId calls = writer.calls(several ? kCallsMax : 1, syntax.trigger);
  return g.repeat(g.sequence({text, calls}), 0, several ? grammar::kUnbounded : 1);
}

ExprId add_reasoning(Grammar& g, const OutputFormat& format, std::string_view generation_prompt,
                     ReasoningGrammar options) {
  if (format.family == OutputFamily::harmony)
    return harmony_reasoning(g, generation_prompt, options);
  if (format.reasoning_open.empty()) return g.empty();
  const ReasoningStart start = reasoning_start(format, generation_prompt);
  if (start == ReasoningStart::closed) return g.empty();
  const ExprId rest =
      g.sequence({g.free_text({std::string(format.reasoning_close)}, options.may_end),
                  g.repeat(g.literal("\n"), 0, 2)});
  if (start == ReasoningStart::open) return rest;
  return g.sequence(
      {add_line_end(g), g.optional(g.sequence({g.literal(format.reasoning_open), rest}))});
}

}  // namespace troika
