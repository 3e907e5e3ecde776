// From a grammar's text to a TokenGrammar, behind the free text that may come first.
#include "text/grammar/gbnf.h"
#include "text/grammar/json_schema.h"
#include "text/grammar/token_grammar.h"

namespace troika {

using grammar::ExprId;
using grammar::Grammar;

Result<std::shared_ptr<const TokenGrammar>> compile_grammar(
    Grammar grammar, std::shared_ptr<const GrammarVocabulary> vocabulary,
    const GrammarOptions& options) {
  std::vector<ExprId> parts;
  for (const FreeText& free : options.before) {
    parts.push_back(grammar.free_text(free.markers, free.may_end));
    if (free.line_breaks_after) parts.push_back(grammar.repeat(grammar.literal("\n"), 0, 2));
  }
  parts.push_back(grammar.root());
  grammar.set_root(grammar.sequence(std::move(parts)));
  return TokenGrammar::make(grammar, std::move(vocabulary));
}

Result<std::shared_ptr<const TokenGrammar>> compile_gbnf(
    std::string_view text, std::shared_ptr<const GrammarVocabulary> vocabulary,
    const GrammarOptions& options) {
  TROIKA_TRY(Grammar grammar, grammar::parse_gbnf(text, *vocabulary));
  return compile_grammar(std::move(grammar), std::move(vocabulary), options);
}

Result<std::shared_ptr<const TokenGrammar>> compile_json_schema(
    std::string_view json, std::shared_ptr<const GrammarVocabulary> vocabulary,
    const GrammarOptions& options) {
  Grammar grammar;
  TROIKA_TRY(const ExprId root, grammar::add_json_schema(grammar, json));
  grammar.set_root(root);
  return compile_grammar(std::move(grammar), std::move(vocabulary), options);
}

Result<std::shared_ptr<const TokenGrammar>> compile_json_object(
    std::shared_ptr<const GrammarVocabulary> vocabulary, const GrammarOptions& options) {
  return compile_json_schema(R"({"type": "object"})", std::move(vocabulary), options);
}

}  // namespace troika
