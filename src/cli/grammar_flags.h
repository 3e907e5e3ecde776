// Flags of what an answer must be, under the names that users of llama.cpp know.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "core/result.h"
#include "text/grammar/token_grammar.h"
#include "text/tokenizer.h"

namespace troika::cli {

/// At most one of them is given; the others are empty.
struct GrammarFlags {
  std::string grammar, grammar_file;
  std::string json_schema, json_schema_file;
};

/// Adds --grammar, --grammar-file, --json-schema and --json-schema-file.
void add_grammar_flags(CLI::App& app, GrammarFlags& flags);

/// What the flags ask for, for the tokens of `tokenizer`; null where they ask for nothing.
/// Errors: invalid_argument — with the flag or file, and the place in it; those of the file.
Result<std::shared_ptr<const TokenGrammar>> make_grammar(const GrammarFlags& flags,
                                                         const Tokenizer& tokenizer);

}  // namespace troika::cli
