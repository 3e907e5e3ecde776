// What a text may be, token by token: a grammar compiled for a vocabulary, and where a text stands
// in it. Which tokens may follow is found by one walk over the tree of all tokens and remembered
// for every text that comes to stand there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/result.h"
#include "text/grammar/grammar.h"
#include "text/grammar/grammar_vocabulary.h"

namespace troika {

/// Text before a grammar begins to read, which may be anything: reasoning, words before a tool
/// call.
struct FreeText {
  std::vector<std::string> markers;  // the first of these ends it; it is not the grammar's to read
  bool may_end = true;               // the whole text may end in here
  bool line_breaks_after = false;    // up to two may follow the marker
};

struct GrammarOptions {
  std::vector<FreeText> before;  // one after the other; empty: the grammar reads from the start
};

/// A grammar for the tokens of one model. Immutable but for what it remembers, which takes at most
/// kMemoryBytesMax: every method is safe from many threads at once.
class TokenGrammar {
 public:
  /// Errors: invalid_argument — see grammar::Automaton::make().
  static Result<std::shared_ptr<const TokenGrammar>> make(
      const grammar::Grammar& grammar, std::shared_ptr<const GrammarVocabulary> vocabulary);
  ~TokenGrammar();
  TokenGrammar(const TokenGrammar&) = delete;
  TokenGrammar& operator=(const TokenGrammar&) = delete;

  const GrammarVocabulary& vocabulary() const { return *vocabulary_; }

  /// Bytes that are remembered at most, masks and states together.
  static constexpr int64_t kMemoryBytesMax = int64_t{24} << 20;
  /// Nodes of the automaton that are looked at for one mask, at most; tokens whose turn comes after
  /// are not allowed. No sensible grammar comes near: it keeps a hostile one from stopping others.
  static constexpr int64_t kVisitsMax = int64_t{1} << 24;

  /// Bytes that are remembered now.
  int64_t memory_bytes() const;

 private:
  friend class GrammarState;
  class Memory;
  TokenGrammar(std::shared_ptr<const GrammarVocabulary> vocabulary, std::unique_ptr<Memory> memory);

  std::shared_ptr<const GrammarVocabulary> vocabulary_;
  std::unique_ptr<Memory> memory_;
};

/// Where one text stands. A value: a copy is a few words and goes its own way. Thread: one at a
/// time, each copy its own.
class GrammarState {
 public:
  /// At the start of a text.
  explicit GrammarState(std::shared_ptr<const TokenGrammar> grammar);

  /// The tokens that may come next, those that end the text among them where it may end. Never
  /// null. None at all: the text cannot go on. Cost: a look-up where a text stood before, else a
  /// walk over the tree of tokens.
  std::shared_ptr<const TokenBits> allowed() const;

  /// Goes on behind `token`. False: the grammar does not allow it, and nothing follows any more.
  bool accept(TokenId token);

  /// Whether the text may end here.
  bool can_end() const;

  /// How many of `tokens` may follow, one after the other; an end token is the last that may.
  size_t accepted(std::span<const TokenId> tokens) const;

  const TokenGrammar& grammar() const { return *grammar_; }

 private:
  friend class TokenGrammar;
  struct Place;  // a state by its number, as long as that is valid, and by its content
  std::shared_ptr<const TokenGrammar> grammar_;
  std::shared_ptr<const Place> place_;
};

/// Compiles a grammar that was put together by hand; takes it.
/// Errors: invalid_argument — see grammar::Automaton::make().
Result<std::shared_ptr<const TokenGrammar>> compile_grammar(
    grammar::Grammar grammar, std::shared_ptr<const GrammarVocabulary> vocabulary,
    const GrammarOptions& options = {});

/// Compiles a grammar in GBNF (text/grammar/gbnf.h).
/// Errors: invalid_argument — with line and column, or the rule that is at fault.
Result<std::shared_ptr<const TokenGrammar>> compile_gbnf(
    std::string_view text, std::shared_ptr<const GrammarVocabulary> vocabulary,
    const GrammarOptions& options = {});

/// Compiles a JSON schema (text/grammar/json_schema.h).
/// Errors: invalid_argument — with the keyword and its place in the schema as a JSON pointer.
Result<std::shared_ptr<const TokenGrammar>> compile_json_schema(
    std::string_view json, std::shared_ptr<const GrammarVocabulary> vocabulary,
    const GrammarOptions& options = {});

/// Compiles "any JSON object".
Result<std::shared_ptr<const TokenGrammar>> compile_json_object(
    std::shared_ptr<const GrammarVocabulary> vocabulary, const GrammarOptions& options = {});

}  // namespace troika
