#include "text/grammar/automaton.h"

#include <algorithm>
#include <bitset>
#include <map>
#include <span>

#include "text/grammar/marker_search.h"
#include "text/grammar/utf8_ranges.h"

namespace troika::grammar {

/// Builds backwards: each expression is made to lead to a node that is there already.
class AutomatonBuilder {
 public:
  explicit AutomatonBuilder(const Grammar& grammar) : grammar_(grammar) {
    made_.nodes_.emplace_back();  // kEnd
    for (const Rule& rule : grammar.rules()) names_.push_back(rule.name);
    made_.rule_starts_.resize(names_.size());
  }

  Result<Automaton> build() {
    for (size_t i = 0; i < grammar_.rules().size(); i++)
      made_.rule_starts_[i] = add(grammar_.rules()[i].body, kEnd);
    made_.start_ = add(grammar_.root(), kEnd);
    if (full())
      return fail(ErrorCode::invalid_argument,
                  "the grammar is too large: more than {} nodes or {} edges, wanted shorter "
                  "repetitions",
                  kNodesMax, kEdgesMax);
    TROIKA_RETURN_IF_ERROR(
        check_nodes(made_.nodes_, made_.edges_, made_.rule_starts_, made_.start_, names_));
    made_.sort_bytes();
    return std::move(made_);
  }

 private:
  /// From here on nothing is added any more; build() says so.
  bool full() const {
    return std::ssize(made_.nodes_) >= kNodesMax || std::ssize(made_.edges_) >= kEdgesMax;
  }

  NodeId add_node(const Node& node) {
    if (full()) return kEnd;
    made_.nodes_.push_back(node);
    return static_cast<NodeId>(made_.nodes_.size() - 1);
  }

  NodeId add_bytes(const std::vector<Edge>& edges, bool free = false) {
    const auto first = static_cast<NodeId>(made_.edges_.size());
    made_.edges_.insert(made_.edges_.end(), edges.begin(), edges.end());
    return add_node({.kind = NodeKind::bytes,
                     .free = free,
                     .to = first,
                     .edge_count = static_cast<int32_t>(edges.size())});
  }

  NodeId split(NodeId to, NodeId other) {
    return add_node({.kind = NodeKind::split, .to = to, .other = other});
  }

  NodeId call(int32_t rule, NodeId next) {
    return add_node({.kind = NodeKind::call, .to = next, .rule = rule});
  }

  /// The node that reads `id` and goes on at `next`.
  NodeId add(ExprId id, NodeId next) {
    const Expr& expr = grammar_.expr(id);
    switch (expr.kind) {
      case ExprKind::literal:
        return add_literal(expr.bytes, next);
      case ExprKind::set:
        return add_set(expr.set, next);
      case ExprKind::token:
        return add_node({.kind = NodeKind::token,
                         .negated = expr.negated,
                         .to = next,
                         .token = static_cast<int32_t>(expr.token)});
      case ExprKind::rule:
        return call(static_cast<int32_t>(expr.rule), next);
      case ExprKind::sequence:
        for (auto part = expr.children.rbegin(); part != expr.children.rend() && !full(); ++part)
          next = add(*part, next);
        return next;
      case ExprKind::choice:
        return add_choice(expr.children, next);
      case ExprKind::repeat:
        return add_repeat(id, next);
      case ExprKind::until:
        return add_until(expr, next);
    }
    return next;
  }

  NodeId add_literal(const std::string& bytes, NodeId next) {
    for (auto byte = bytes.rbegin(); byte != bytes.rend() && !full(); ++byte) {
      const auto value = static_cast<uint8_t>(*byte);
      next = add_bytes({{value, value, next}});
    }
    return next;
  }

  /// A tree, so that a byte leads from a node one way at most. An empty set has a node without
  /// edges.
  NodeId add_set(const std::vector<CodePoints>& set, NodeId next) {
    Rests rests;
    return add_sequences(utf8_sequences(set), 0, next, rests);
  }

  using Rests = std::map<ByteSequence, NodeId>;

  /// What may follow the first `at` bytes, in which all of `sequences` agree. Where one is left,
  /// its node is shared with equal ones.
  NodeId add_sequences(std::span<const ByteSequence> sequences, size_t at, NodeId next,
                       Rests& rests) {
    ByteSequence rest;
    if (sequences.size() == 1 && at > 0) {
      rest.assign(sequences[0].begin() + static_cast<std::ptrdiff_t>(at), sequences[0].end());
      if (const auto found = rests.find(rest); found != rests.end()) return found->second;
    }
    std::vector<Edge> edges;
    while (!sequences.empty() && !full()) {
      const ByteRange range = sequences[0][at];
      const auto same = static_cast<size_t>(
          std::ranges::find_if(sequences, [&](const auto& one) { return one[at] != range; }) -
          sequences.begin());
      const bool whole = sequences[0].size() == at + 1;
      const NodeId to = whole ? next : add_sequences(sequences.first(same), at + 1, next, rests);
      edges.push_back({range.first, range.last, to});
      sequences = sequences.subspan(same);
    }
    const NodeId node = add_bytes(edges);
    if (!rest.empty()) rests.emplace(std::move(rest), node);
    return node;
  }

  /// Many literals become a tree, so that few ways are open at a time. `words` are sorted, all
  /// different and agree in their first `at` bytes.
  NodeId add_words(std::span<const std::string_view> words, size_t at, NodeId next) {
    const std::string_view first = words.front(), last = words.back();
    const size_t same = static_cast<size_t>(std::ranges::mismatch(first, last).in1 - first.begin());
    std::vector<Edge> edges;
    const bool ends = first.size() == same;
    for (auto rest = words.subspan(ends ? 1 : 0); !rest.empty() && !full();) {
      const char byte = rest.front()[same];
      const auto count = static_cast<size_t>(
          std::ranges::count_if(rest, [&](std::string_view word) { return word[same] == byte; }));
      const auto value = static_cast<uint8_t>(byte);
      edges.push_back({value, value, add_words(rest.first(count), same + 1, next)});
      rest = rest.subspan(count);
    }
    NodeId all = edges.empty() ? next : add_bytes(edges);
    if (ends && !edges.empty()) all = split(all, next);
    return add_literal(std::string(first.substr(at, same - at)), all);
  }

  /// The literals among `ways`, where there are enough of them to be worth a tree.
  std::vector<std::string_view> words_of(const std::vector<ExprId>& ways) const {
    constexpr size_t kFew = 4;
    std::vector<std::string_view> words;
    for (const ExprId way : ways) {
      const Expr& expr = grammar_.expr(way);
      if (expr.kind == ExprKind::literal) words.push_back(expr.bytes);
    }
    if (words.size() <= kFew) return {};
    std::ranges::sort(words);
    words.erase(std::unique(words.begin(), words.end()), words.end());
    return words;
  }

  NodeId add_choice(std::vector<ExprId> ways, NodeId next) {
    if (ways.empty()) return add_bytes({});
    const std::vector<std::string_view> words = words_of(ways);
    if (!words.empty()) {
      const NodeId tree = add_words(words, 0, next);
      std::erase_if(ways,
                    [this](ExprId way) { return grammar_.expr(way).kind == ExprKind::literal; });
      return ways.empty() ? tree : split(tree, add_choice(std::move(ways), next));
    }
    NodeId all = add(ways.back(), next);
    for (size_t i = ways.size() - 1; i-- > 0 && !full();) all = split(add(ways[i], next), all);
    return all;
  }

  /// What is repeated often becomes a rule, of which a repetition is one call.
  bool deserves_rule(const Expr& what, int64_t copies) const {
    constexpr int64_t kFewCopies = 4;
    if (copies <= kFewCopies || what.kind == ExprKind::rule || what.kind == ExprKind::token)
      return false;
    if (what.kind == ExprKind::literal) return what.bytes.size() > 1;
    return what.kind != ExprKind::set || what.set.empty() ||
           std::ranges::max(what.set, {}, &CodePoints::last).last > 0x7F;
  }

  int32_t rule_for(ExprId what) {
    const auto found = rules_made_.find(what);
    if (found != rules_made_.end()) return found->second;
    const NodeId start = add(what, kEnd);
    const auto rule = static_cast<int32_t>(made_.rule_starts_.size());
    made_.rule_starts_.push_back(start);
    names_.push_back("what is repeated");
    rules_made_.emplace(what, rule);
    return rule;
  }

  NodeId add_repeat(ExprId id, NodeId next) {
    const Expr& repeat = grammar_.expr(id);
    const ExprId what = repeat.children.front();
    const int64_t copies = repeat.max == kUnbounded ? repeat.min + 1 : repeat.max;
    const int32_t rule = deserves_rule(grammar_.expr(what), copies) ? rule_for(what) : -1;
    const auto one = [&](NodeId to) { return rule >= 0 ? call(rule, to) : add(what, to); };
    NodeId all = next;
    if (repeat.max == kUnbounded) {
      all = split(kEnd, next);  // its way into the repetition is known only once that is there
      const NodeId again = one(all);
      if (!full()) made_.nodes_[static_cast<size_t>(all)].to = again;
    } else {
      for (int64_t i = repeat.min; i < repeat.max && !full(); i++) all = split(one(all), next);
    }
    for (int64_t i = 0; i < repeat.min && !full(); i++) all = one(all);
    return all;
  }

  NodeId add_until(const Expr& expr, NodeId next) {
    const MarkerSearch search(expr.markers);
    std::vector<NodeId> entries;
    const auto states = static_cast<size_t>(search.states());
    for (size_t i = 0; i < states; i++) {
      const NodeId bytes = add_bytes({}, expr.free);
      entries.push_back(expr.may_end ? split(bytes, kEnd) : bytes);
    }
    for (size_t i = 0; i < states && !full(); i++) {
      const std::vector<Edge> edges = search.edges(static_cast<int32_t>(i), entries, next);
      Node& node = made_.nodes_[static_cast<size_t>(expr.may_end ? entries[i] - 1 : entries[i])];
      node.to = static_cast<NodeId>(made_.edges_.size());
      node.edge_count = static_cast<int32_t>(edges.size());
      made_.edges_.insert(made_.edges_.end(), edges.begin(), edges.end());
    }
    return entries.front();
  }

  const Grammar& grammar_;
  Automaton made_;
  std::vector<std::string> names_;
  std::map<ExprId, int32_t> rules_made_;
};

Result<Automaton> Automaton::make(const Grammar& grammar) {
  TROIKA_RETURN_IF_ERROR(grammar.check());
  return AutomatonBuilder(grammar).build();
}

void Automaton::sort_bytes() {
  std::bitset<257> borders;
  borders.set(0);
  for (const Edge& edge : edges_) {
    borders.set(edge.first);
    borders.set(edge.last + size_t{1});
  }
  for (size_t byte = 0; byte < 256; byte++) {
    if (borders.test(byte)) byte_of_[static_cast<size_t>(classes_++)] = static_cast<uint8_t>(byte);
    class_of_[byte] = static_cast<uint8_t>(classes_ - 1);
  }
}

}  // namespace troika::grammar
