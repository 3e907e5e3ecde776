#include "text/grammar/grammar.h"

#include <algorithm>

#include "core/printable.h"

namespace troika::grammar {

Grammar::Grammar() {
  exprs_.emplace_back();  // the empty literal
}

void Grammar::refuse(std::string why) {
  if (refused_.empty()) refused_ = std::move(why);
}

ExprId Grammar::add(Expr expr) {
  if (std::ssize(exprs_) >= kExprsMax) {
    refuse(fmt::format("more than {} expressions", kExprsMax));
    return empty();
  }
  for (const ExprId child : expr.children)
    expr.depth = std::max(expr.depth, this->expr(child).depth + 1);
  if (expr.depth > kExprDepthMax) {
    refuse(fmt::format("expressions inside of each other more than {} deep", kExprDepthMax));
    return empty();
  }
  exprs_.push_back(std::move(expr));
  return static_cast<ExprId>(exprs_.size() - 1);
}

ExprId Grammar::literal(std::string_view bytes) {
  if (bytes.empty()) return empty();
  literal_bytes_ += std::ssize(bytes);
  if (literal_bytes_ > kLiteralBytesMax) {
    refuse(fmt::format("more than {} bytes of literals", kLiteralBytesMax));
    return empty();
  }
  return add({.kind = ExprKind::literal, .bytes = std::string(bytes)});
}

ExprId Grammar::set(std::vector<CodePoints> set) {
  return add({.kind = ExprKind::set, .set = std::move(set)});
}

ExprId Grammar::token(TokenId id, bool negated) {
  return add({.kind = ExprKind::token, .token = id, .negated = negated});
}

ExprId Grammar::rule(RuleId rule) {
  return add({.kind = ExprKind::rule, .rule = rule});
}

ExprId Grammar::group(ExprKind kind, std::vector<ExprId> children) {
  if (children.size() == 1) return children.front();
  return add({.kind = kind, .children = std::move(children)});
}

ExprId Grammar::sequence(std::vector<ExprId> parts) {
  std::erase(parts, empty());
  return parts.empty() ? empty() : group(ExprKind::sequence, std::move(parts));
}

ExprId Grammar::choice(std::vector<ExprId> ways) {
  return group(ExprKind::choice, std::move(ways));
}

ExprId Grammar::repeat(ExprId what, int64_t min, int64_t max) {
  if (min < 0 || (max != kUnbounded && max < min) || std::max(min, max) > kRepetitionsMax)
    refuse(fmt::format("a repetition of {} to {}, wanted at most {}", min, max, kRepetitionsMax));
  if (what == empty() || max == 0) return empty();
  if (min == 1 && max == 1) return what;
  return add({.kind = ExprKind::repeat, .children = {what}, .min = min, .max = max});
}

ExprId Grammar::until(std::vector<std::string> markers) {
  int64_t bytes = 0;
  for (const std::string& marker : markers) {
    bytes += std::ssize(marker);
    if (marker.empty() || std::ssize(marker) > kMarkerBytesMax)
      refuse(fmt::format("a marker of {} bytes, wanted 1 to {}", marker.size(), kMarkerBytesMax));
  }
  if (markers.empty() || bytes > 4 * kMarkerBytesMax)
    refuse(fmt::format("{} markers of {} bytes, wanted some of at most {}", markers.size(), bytes,
                       4 * kMarkerBytesMax));
  return add({.kind = ExprKind::until, .markers = std::move(markers)});
}

ExprId Grammar::free_text(std::vector<std::string> markers, bool may_end) {
  const ExprId id = until(std::move(markers));
  if (id == empty()) return id;
  exprs_[static_cast<size_t>(id)].free = true;
  exprs_[static_cast<size_t>(id)].may_end = may_end;
  return id;
}

RuleId Grammar::add_rule(std::string name) {
  if (std::ssize(rules_) >= kRulesMax) {
    refuse(fmt::format("more than {} rules", kRulesMax));
    return RuleId{0};
  }
  rules_.push_back({.name = std::move(name)});
  return static_cast<RuleId>(rules_.size() - 1);
}

void Grammar::define(RuleId rule, ExprId body) {
  Rule& defined = rules_[static_cast<size_t>(rule)];
  defined.defined = true;
  defined.body = body;
}

ExprId Grammar::named(std::string name, ExprId body) {
  const RuleId id = add_rule(std::move(name));
  define(id, body);
  return rule(id);
}

Status Grammar::check() const {
  if (!refused_.empty()) return fail(ErrorCode::invalid_argument, "the grammar has {}", refused_);
  for (const Rule& rule : rules_)
    if (!rule.defined)
      return fail(ErrorCode::invalid_argument,
                  "the rule \"{}\" is used and not defined, wanted a definition",
                  printable(rule.name));
  return ok();
}

}  // namespace troika::grammar
