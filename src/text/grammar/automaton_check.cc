// What the nodes of an automaton need, and what they must not do: begin with themselves without
// reading anything, or never end.
#include <algorithm>

#include "core/printable.h"
#include "text/grammar/automaton.h"

namespace troika::grammar {
namespace {

class Checker {
 public:
  Checker(std::vector<Node>& nodes, const std::vector<Edge>& edges,
          const std::vector<NodeId>& rule_starts, const std::vector<std::string>& names)
      : nodes_(nodes), edges_(edges), rule_starts_(rule_starts), names_(names) {}

  Status check(NodeId start) {
    find_users();
    find_needs();
    if (need(start) == kNeverEnds)
      return fail(ErrorCode::invalid_argument,
                  "the grammar matches no finite text, wanted a way to end what repeats itself");
    if (need(start) > kStackMax)
      return fail(ErrorCode::invalid_argument,
                  "the grammar needs rules inside of each other {} deep, wanted at most {}",
                  need(start), kStackMax);
    find_empty();
    return find_left_recursion();
  }

 private:
  int32_t need(NodeId id) const { return nodes_[static_cast<size_t>(id)].need; }
  NodeId start_of(const Node& call) const { return rule_starts_[static_cast<size_t>(call.rule)]; }

  /// Calls `take` with every node that `node` is made from.
  template <typename Take>
  void for_parts(const Node& node, Take take) const {
    switch (node.kind) {
      case NodeKind::end:
        return;
      case NodeKind::bytes:
        for (int32_t i = 0; i < node.edge_count; i++)
          take(edges_[static_cast<size_t>(node.to + i)].to);
        return;
      case NodeKind::split:
        take(node.to);
        take(node.other);
        return;
      case NodeKind::call:
        take(node.to);
        take(start_of(node));
        return;
      case NodeKind::token:
        take(node.to);
    }
  }

  /// users_[first_user_[n] ... first_user_[n + 1]): the nodes whose part n is.
  void find_users() {
    first_user_.assign(nodes_.size() + 1, 0);
    for (const Node& node : nodes_)
      for_parts(node, [&](NodeId part) { first_user_[static_cast<size_t>(part) + 1]++; });
    for (size_t i = 1; i < first_user_.size(); i++) first_user_[i] += first_user_[i - 1];
    users_.resize(static_cast<size_t>(first_user_.back()));
    std::vector<int32_t> at(first_user_.begin(), first_user_.end() - 1);
    for (size_t i = 0; i < nodes_.size(); i++)
      for_parts(nodes_[i], [&](NodeId part) {
        users_[static_cast<size_t>(at[static_cast<size_t>(part)]++)] = static_cast<NodeId>(i);
      });
  }

  /// Lets every node that uses a changed one look again, until nothing changes. `look` says whether
  /// its node changed.
  template <typename Look>
  void settle(Look look) {
    std::vector<NodeId> changed = {kEnd};
    while (!changed.empty()) {
      const auto at = static_cast<size_t>(changed.back());
      changed.pop_back();
      for (int32_t i = first_user_[at]; i < first_user_[at + 1]; i++) {
        const NodeId user = users_[static_cast<size_t>(i)];
        if (look(user)) changed.push_back(user);
      }
    }
  }

  int32_t need_of(const Node& node) const {
    if (node.kind == NodeKind::call) {
      const int32_t inside = need(start_of(node)), after = need(node.to);
      if (inside == kNeverEnds || after == kNeverEnds) return kNeverEnds;
      return node.to == kEnd ? inside : std::max(inside + 1, after);
    }
    int32_t least = kNeverEnds;
    for_parts(node, [&](NodeId part) { least = std::min(least, need(part)); });
    return least;
  }

  /// Least needs first (Knuth, Information Processing Letters 6(1), 1977): no node needs less than
  /// what it is made from, so each is settled once.
  void find_needs() {
    for (Node& node : nodes_) node.need = node.kind == NodeKind::end ? 0 : kNeverEnds;
    std::vector<std::vector<NodeId>> by_need = {{kEnd}};
    for (size_t at = 0; at < by_need.size(); at++)
      for (size_t i = 0; i < by_need[at].size(); i++) {
        const auto settled = static_cast<size_t>(by_need[at][i]);
        if (nodes_[settled].need != static_cast<int32_t>(at)) continue;  // it came to need less
        for (int32_t u = first_user_[settled]; u < first_user_[settled + 1]; u++) {
          const NodeId user = users_[static_cast<size_t>(u)];
          Node& node = nodes_[static_cast<size_t>(user)];
          const int32_t least = need_of(node);
          if (least >= node.need) continue;
          node.need = least;
          by_need.resize(std::max(by_need.size(), static_cast<size_t>(least) + 1));
          by_need[static_cast<size_t>(least)].push_back(user);
        }
      }
  }

  /// Which nodes reach the end of their rule without reading anything.
  void find_empty() {
    empty_.assign(nodes_.size(), false);
    empty_[kEnd] = true;
    settle([this](NodeId id) {
      const auto at = static_cast<size_t>(id);
      const Node& node = nodes_[at];
      const bool is_call = node.kind == NodeKind::call;
      if (empty_[at] || (!is_call && node.kind != NodeKind::split)) return false;
      const bool to = empty_[static_cast<size_t>(node.to)];
      const bool other = empty_[static_cast<size_t>(is_call ? start_of(node) : node.other)];
      empty_[at] = is_call ? to && other : to || other;
      return static_cast<bool>(empty_[at]);
    });
  }

  /// The nodes that `node` leads to before anything is read.
  std::vector<NodeId> leads_to(const Node& node) const {
    if (node.kind == NodeKind::split) return {node.to, node.other};
    if (node.kind != NodeKind::call) return {};
    const NodeId start = start_of(node);
    if (empty_[static_cast<size_t>(start)]) return {start, node.to};
    return {start};
  }

  /// Numbers the groups of nodes that lead to each other before anything is read (Tarjan, SIAM
  /// Journal on Computing 1(2), 1972), without recursion. A rule that is entered from its own group
  /// begins with itself.
  Status find_left_recursion() {
    groups_.assign(nodes_.size(), -1);
    order_.assign(nodes_.size(), -1);
    low_.assign(nodes_.size(), -1);
    for (size_t i = 0; i < nodes_.size(); i++)
      if (order_[i] < 0) visit(static_cast<NodeId>(i));
    for (size_t i = 0; i < nodes_.size(); i++) {
      const Node& node = nodes_[i];
      if (node.kind == NodeKind::call && groups_[i] == groups_[static_cast<size_t>(start_of(node))])
        return fail(ErrorCode::invalid_argument,
                    "the rule \"{}\" begins with itself (left recursion), wanted it to read "
                    "something first",
                    printable(names_[static_cast<size_t>(node.rule)]));
    }
    return ok();
  }

  struct Visit {
    NodeId node;
    std::vector<NodeId> targets;
    size_t next = 0;
  };

  void enter(NodeId id, std::vector<Visit>& visits) {
    const auto at = static_cast<size_t>(id);
    order_[at] = low_[at] = count_++;
    open_.push_back(id);
    visits.push_back({id, leads_to(nodes_[at])});
  }

  void visit(NodeId root) {
    std::vector<Visit> visits;
    enter(root, visits);
    while (!visits.empty()) {
      Visit& visit = visits.back();
      const auto at = static_cast<size_t>(visit.node);
      if (visit.next < visit.targets.size()) {
        const auto target = static_cast<size_t>(visit.targets[visit.next++]);
        if (order_[target] < 0)
          enter(static_cast<NodeId>(target), visits);
        else if (groups_[target] < 0)
          low_[at] = std::min(low_[at], order_[target]);
        continue;
      }
      if (low_[at] == order_[at]) close(visit.node);
      visits.pop_back();
      if (!visits.empty()) {
        int32_t& low = low_[static_cast<size_t>(visits.back().node)];
        low = std::min(low, low_[at]);
      }
    }
  }

  void close(NodeId first) {
    NodeId id;
    do {
      id = open_.back();
      open_.pop_back();
      groups_[static_cast<size_t>(id)] = first;
    } while (id != first);
  }

  std::vector<Node>& nodes_;
  const std::vector<Edge>& edges_;
  const std::vector<NodeId>& rule_starts_;
  const std::vector<std::string>& names_;
  std::vector<int32_t> first_user_;
  std::vector<NodeId> users_;
  std::vector<bool> empty_;
  std::vector<int32_t> groups_, order_, low_;
  std::vector<NodeId> open_;
  int32_t count_ = 0;
};

}  // namespace

Status check_nodes(std::vector<Node>& nodes, const std::vector<Edge>& edges,
                   const std::vector<NodeId>& rule_starts, NodeId start,
                   const std::vector<std::string>& names) {
  return Checker(nodes, edges, rule_starts, names).check(start);
}

}  // namespace troika::grammar
