#include "text/special_matcher.h"

#include <algorithm>

namespace troika::text {

// Built level by level from the sorted words: a node is a range of words that share their first
// `depth` bytes, so its children are consecutive ranges and its edges lie together. Levels in order
// are what link_suffixes() needs, too.
SpecialMatcher::SpecialMatcher(const std::vector<std::pair<std::string_view, int32_t>>& words) {
  auto sorted = words;
  std::sort(sorted.begin(), sorted.end());
  struct Range {
    size_t begin, end;
  };
  std::vector<Range> ranges = {{0, sorted.size()}};
  nodes_.emplace_back();
  for (size_t node = 0; node < nodes_.size(); ++node) {
    Range range = ranges[node];
    const auto depth = static_cast<size_t>(nodes_[node].depth);
    while (range.begin < range.end && sorted[range.begin].first.size() == depth)
      nodes_[node].id = sorted[range.begin++].second;
    nodes_[node].first_edge = static_cast<uint32_t>(edges_.size());
    while (range.begin < range.end) {
      const char byte = sorted[range.begin].first[depth];
      size_t end = range.begin + 1;
      while (end < range.end && sorted[end].first[depth] == byte) ++end;
      edges_.push_back({static_cast<unsigned char>(byte), static_cast<int32_t>(nodes_.size())});
      ranges.push_back({range.begin, end});
      Node& next = nodes_.emplace_back();
      next.depth = static_cast<int32_t>(depth + 1);
      range.begin = end;
    }
    nodes_[node].edges = static_cast<uint32_t>(edges_.size()) - nodes_[node].first_edge;
  }
  for (uint32_t i = 0; i < nodes_[0].edges; ++i) from_root_[edges_[i].byte] = edges_[i].node;
  link_suffixes();
}

void SpecialMatcher::link_suffixes() {
  for (size_t parent = 0; parent < nodes_.size(); ++parent) {
    const Node& node = nodes_[parent];
    for (uint32_t i = 0; i < node.edges; ++i) {
      const Edge edge = edges_[node.first_edge + i];
      Node& next = nodes_[edge.node];
      next.fail = parent == 0 ? 0 : step(node.fail, edge.byte);
      next.output = next.id >= 0 ? edge.node : nodes_[next.fail].output;
    }
  }
}

int32_t SpecialMatcher::child(int32_t node, unsigned char byte) const {
  if (node == 0) return from_root_[byte];
  const Edge* begin = edges_.data() + nodes_[node].first_edge;
  const Edge* end = begin + nodes_[node].edges;
  const Edge* edge = std::lower_bound(
      begin, end, byte, [](const Edge& e, unsigned char wanted) { return e.byte < wanted; });
  return edge != end && edge->byte == byte ? edge->node : 0;
}

int32_t SpecialMatcher::step(int32_t node, unsigned char byte) const {
  for (;;) {
    const int32_t next = child(node, byte);
    if (next != 0 || node == 0) return next;
    node = nodes_[node].fail;
  }
}

SpecialMatcher::Match SpecialMatcher::find(std::string_view text, size_t from) const {
  Match best{text.size(), text.size(), -1};
  int32_t node = 0;
  for (size_t i = from; i < text.size(); ++i) {
    node = step(node, static_cast<unsigned char>(text[i]));
    if (best.id >= 0 && i + 1 - nodes_[node].depth > best.begin) break;  // all to come begin later
    const int32_t output = nodes_[node].output;
    if (output < 0) continue;
    const size_t begin = i + 1 - nodes_[output].depth;
    if (best.id < 0 || begin <= best.begin) best = {begin, i + 1, nodes_[output].id};
  }
  return best;
}

}  // namespace troika::text
