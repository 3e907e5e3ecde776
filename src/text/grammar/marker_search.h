// Looks for the first of several markers in a stream of bytes, one byte at a time: the automaton of
// Aho and Corasick (Communications of the ACM 18(6), 1975).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "text/grammar/automaton.h"

namespace troika::grammar {

class MarkerSearch {
 public:
  /// @param markers  none of them empty.
  explicit MarkerSearch(const std::vector<std::string>& markers);

  /// State 0 is the start; in none of them a marker is complete.
  int32_t states() const { return std::ssize(kept_); }

  /// Where each byte leads from `state`: to entries[other state], or to `found` where it completes
  /// a marker.
  std::vector<Edge> edges(int32_t state, const std::vector<NodeId>& entries, NodeId found) const;

 private:
  struct Place {
    std::array<int32_t, 256> to;
    int32_t shorter = 0;  // the longest end of what was read that begins a marker, too
    bool found = false;
    int32_t number = -1;  // among the states
  };
  void link();

  std::vector<Place> places_;
  std::vector<int32_t> kept_;  // the places that are states
};

}  // namespace troika::grammar
