#include "cli/grammar_flags.h"

#include "core/text_file.h"

namespace troika::cli {

void add_grammar_flags(CLI::App& app, GrammarFlags& flags) {
  CLI::App* group = app.add_option_group("grammar");
  group->add_option("--grammar", flags.grammar, "the answer must match this grammar, in GBNF")
      ->type_name("GBNF");
  group->add_option("--grammar-file", flags.grammar_file, "the grammar is in this file")
      ->type_name("FILE");
  group
      ->add_option("-j,--json-schema", flags.json_schema,
                   "the answer must be JSON that is valid by this schema; {}: any JSON")
      ->type_name("JSON");
  group->add_option("--json-schema-file", flags.json_schema_file, "the schema is in this file")
      ->type_name("FILE");
  group->require_option(0, 1);
}

Result<std::shared_ptr<const TokenGrammar>> make_grammar(const GrammarFlags& flags,
                                                         const Tokenizer& tokenizer) {
  const bool is_schema = !flags.json_schema.empty() || !flags.json_schema_file.empty();
  const std::string& file = is_schema ? flags.json_schema_file : flags.grammar_file;
  std::string text = is_schema ? flags.json_schema : flags.grammar;
  if (text.empty() && file.empty()) return std::shared_ptr<const TokenGrammar>();
  if (!file.empty()) {
    TROIKA_TRY(text, read_text_file(file));
  }
  const auto vocabulary = GrammarVocabulary::make(tokenizer);
  auto compiled =
      is_schema ? compile_json_schema(text, vocabulary) : compile_gbnf(text, vocabulary);
  if (compiled.ok() || file.empty()) return compiled;
  return fail(compiled.error().code(), "{}: {}", file, compiled.error().message());
}

}  // namespace troika::cli
