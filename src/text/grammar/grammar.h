// A grammar as data: rules over literals, sets of characters, tokens, choices and repetitions. What
// GBNF and JSON schemas are read into, and what an automaton is made of. Nothing here is matched.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/result.h"

namespace troika::grammar {

/// A place in Grammar's list of expressions; may be used in any number of others.
enum class ExprId : int32_t {};
/// A rule.
enum class RuleId : int32_t {};

/// All code points from `first` to `last`.
struct CodePoints {
  uint32_t first = 0;
  uint32_t last = 0;
  bool operator==(const CodePoints&) const = default;
};

inline constexpr uint32_t kCodePointMax = 0x10FFFF;
inline constexpr int64_t kUnbounded = -1;
inline constexpr int64_t kExprsMax = 1 << 18;
inline constexpr int64_t kRulesMax = 1 << 15;
inline constexpr int32_t kExprDepthMax = 256;         // of expressions inside of each other
inline constexpr int64_t kLiteralBytesMax = 1 << 20;  // of all literals together
inline constexpr int64_t kRepetitionsMax = 1 << 16;   // of one expression
inline constexpr int64_t kMarkerBytesMax = 256;       // of one text that ends another

enum class ExprKind : uint8_t { literal, set, token, rule, sequence, choice, repeat, until };

/// One expression; which fields mean something, `kind` says.
struct Expr {
  ExprKind kind = ExprKind::literal;
  std::string bytes;                 // literal
  std::vector<CodePoints> set;       // set: of which one character
  std::vector<ExprId> children;      // sequence, choice; repeat: one
  int64_t min = 0, max = 0;          // repeat; max may be kUnbounded
  RuleId rule{};                     // rule
  TokenId token{};                   // token: this one as a whole
  bool negated = false;              // token: any other one
  bool free = false;                 // until: see Grammar::free_text()
  bool may_end = false;              // until: likewise
  std::vector<std::string> markers;  // until: the first of these ends it and is part of it
  int32_t depth = 1;                 // of expressions inside of each other
};

struct Rule {
  std::string name;      // for messages
  bool defined = false;  // what it is, is known
  ExprId body{};
};

/// A grammar that is being written. What goes over a limit is remembered and told by check().
class Grammar {
 public:
  Grammar();

  /// Nothing, which always matches.
  ExprId empty() const { return ExprId{0}; }
  ExprId literal(std::string_view bytes);
  /// One character of `set`, in UTF-8; ranges may overlap. Surrogates are no characters.
  ExprId set(std::vector<CodePoints> set);
  /// The token `id` as a whole, whatever its bytes; `negated`: any other that does not end a text.
  ExprId token(TokenId id, bool negated);
  ExprId rule(RuleId rule);
  ExprId sequence(std::vector<ExprId> parts);
  ExprId choice(std::vector<ExprId> ways);
  /// `what`, `min` to `max` times; kUnbounded: any number of times.
  ExprId repeat(ExprId what, int64_t min, int64_t max);
  ExprId optional(ExprId what) { return repeat(what, 0, 1); }
  /// Bytes of any kind up to the first of `markers`, and that marker.
  ExprId until(std::vector<std::string> markers);
  /// The same for text that the grammar leaves free: tokens that print nothing belong to it too.
  /// @param may_end  the whole text may end in here.
  ExprId free_text(std::vector<std::string> markers, bool may_end);

  RuleId add_rule(std::string name);
  void define(RuleId rule, ExprId body);
  /// Adds a rule that is `body`.
  ExprId named(std::string name, ExprId body);

  void set_root(ExprId root) { root_ = root; }
  ExprId root() const { return root_; }
  const Expr& expr(ExprId id) const { return exprs_[static_cast<size_t>(id)]; }
  const std::vector<Rule>& rules() const { return rules_; }

  /// Errors: invalid_argument — a limit was reached, a rule has a name and no definition, a marker
  /// is empty.
  Status check() const;

 private:
  ExprId add(Expr expr);
  ExprId group(ExprKind kind, std::vector<ExprId> children);
  void refuse(std::string why);

  std::vector<Expr> exprs_;
  std::vector<Rule> rules_;
  ExprId root_{0};
  int64_t literal_bytes_ = 0;
  std::string refused_;  // why; empty: nothing was
};

}  // namespace troika::grammar
