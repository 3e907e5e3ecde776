// Sets of characters as sequences of byte ranges: what an automaton over bytes can follow.
#pragma once

#include <cstdint>
#include <vector>

#include "text/grammar/grammar.h"

namespace troika::grammar {

struct ByteRange {
  uint8_t first = 0;
  uint8_t last = 0;
  auto operator<=>(const ByteRange&) const = default;
};

/// One to four ranges, of which a character takes one byte each.
using ByteSequence = std::vector<ByteRange>;

/// The UTF-8 of all characters in `set`, which may overlap and lie in any order; surrogates are
/// left out. Each character matches exactly one of the sequences.
std::vector<ByteSequence> utf8_sequences(std::vector<CodePoints> set);

}  // namespace troika::grammar
