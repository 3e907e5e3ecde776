// Cuts special tokens out of text: leftmost first, of those the longest, in one pass however many
// there are. Source: A. Aho, M. Corasick, "Efficient string matching", 1975.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

namespace troika::text {

/// An immutable automaton over a set of (text, id).
class SpecialMatcher {
 public:
  struct Match {
    size_t begin = 0, end = 0;  // bytes of the text
    int32_t id = -1;            // -1: no match up to the end
  };

  /// `words` are not empty and differ from each other. Cost: O(sum of lengths).
  explicit SpecialMatcher(const std::vector<std::pair<std::string_view, int32_t>>& words);

  /// The next special token in `text` at or after `from`.
  Match find(std::string_view text, size_t from) const;

 private:
  struct Node {
    int32_t fail = 0;     // longest proper suffix that is a node
    int32_t output = -1;  // nearest node on the way of `fail`, this one included, that ends a word
    int32_t depth = 0;
    int32_t id = -1;
    uint32_t first_edge = 0, edges = 0;  // its children: a range of edges_, ascending by byte
  };
  struct Edge {
    unsigned char byte;
    int32_t node;
  };

  int32_t child(int32_t node, unsigned char byte) const;
  int32_t step(int32_t node, unsigned char byte) const;
  void link_suffixes();

  std::vector<Node> nodes_;
  std::vector<Edge> edges_;
  std::array<int32_t, 256> from_root_ = {};  // 0: stays at the root
};

}  // namespace troika::text
