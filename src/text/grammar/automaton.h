// A grammar as a machine that reads bytes: nodes with edges, and a stack of the nodes to go on at
// when a rule ends. It does not choose: where several ways are open, whoever runs it follows all.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/ids.h"
#include "core/result.h"
#include "text/grammar/grammar.h"

namespace troika::grammar {

using NodeId = int32_t;

enum class NodeKind : uint8_t {
  end,    // of a rule: goes on at the node on top of the stack, or the text is whole
  bytes,  // reads a byte of one of its edges
  split,  // goes on at both `to` and `other`
  call,   // reads rule number `rule`, then goes on at `to`
  token   // reads one token as a whole: `token`, or any other
};

struct Node {
  NodeKind kind = NodeKind::end;
  bool negated = false;  // token
  bool free = false;     // bytes: tokens that print nothing change nothing here
  /// Least number of stack entries in which the text can be ended from here; see kNeverEnds.
  int32_t need = 0;
  NodeId to = 0;
  union {
    NodeId other = 0;
    int32_t rule;
    int32_t token;
    int32_t edge_count;  // bytes: edges [to, to + edge_count), by rising bytes, none overlapping
  };
};

/// A byte from `first` to `last` leads to `to`.
struct Edge {
  uint8_t first = 0;
  uint8_t last = 0;
  NodeId to = 0;
};

inline constexpr NodeId kEnd = 0;                 // the one node of kind end
inline constexpr int32_t kNeverEnds = INT32_MAX;  // a node that no finite text leaves
inline constexpr int64_t kNodesMax = 1 << 19;
inline constexpr int64_t kEdgesMax = 1 << 21;
inline constexpr int32_t kStackMax = 256;  // entries; texts that need more are not allowed

/// Immutable once made.
class Automaton {
 public:
  /// Errors: invalid_argument — those of Grammar::check(); a rule that begins with itself, by name;
  /// no finite text matches; more nodes than kNodesMax; each text needs a stack of more than
  /// kStackMax.
  static Result<Automaton> make(const Grammar& grammar);

  const Node& node(NodeId id) const { return nodes_[static_cast<size_t>(id)]; }
  /// Of a node of kind bytes.
  std::span<const Edge> edges(const Node& node) const {
    return std::span(edges_).subspan(static_cast<size_t>(node.to),
                                     static_cast<size_t>(node.edge_count));
  }
  NodeId start() const { return start_; }
  NodeId rule_start(int32_t rule) const { return rule_starts_[static_cast<size_t>(rule)]; }
  int64_t nodes() const { return std::ssize(nodes_); }
  int64_t rules() const { return std::ssize(rule_starts_); }

  /// Bytes that no edge tells apart are of one class.
  int32_t classes() const { return classes_; }
  uint8_t class_of(uint8_t byte) const { return class_of_[byte]; }
  /// The first byte of a class.
  uint8_t byte_of(int32_t number) const { return byte_of_[static_cast<size_t>(number)]; }

 private:
  friend class AutomatonBuilder;
  Automaton() = default;
  void sort_bytes();

  std::vector<Node> nodes_;
  std::vector<Edge> edges_;
  std::vector<NodeId> rule_starts_;
  NodeId start_ = kEnd;
  int32_t classes_ = 0;
  std::array<uint8_t, 256> class_of_{}, byte_of_{};
};

/// Fills in Node::need of all `nodes`, and holds them against what a text may do.
/// @param names  of the rules, for messages.
/// Errors: invalid_argument — as Automaton::make() has them.
Status check_nodes(std::vector<Node>& nodes, const std::vector<Edge>& edges,
                   const std::vector<NodeId>& rule_starts, NodeId start,
                   const std::vector<std::string>& names);

}  // namespace troika::grammar
