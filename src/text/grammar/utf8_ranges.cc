#include "text/grammar/utf8_ranges.h"

#include <algorithm>
#include <string>

#include "text/utf8.h"

namespace troika::grammar {
namespace {

constexpr CodePoints kSurrogates = {0xD800, 0xDFFF};

/// Sorted, without overlaps and surrogates.
std::vector<CodePoints> tidy(std::vector<CodePoints> set) {
  std::ranges::sort(set, {}, &CodePoints::first);
  std::vector<CodePoints> apart;
  for (const CodePoints& range : set) {
    if (!apart.empty() && range.first <= apart.back().last + 1)
      apart.back().last = std::max(apart.back().last, range.last);
    else
      apart.push_back(range);
  }
  std::vector<CodePoints> characters;
  for (const CodePoints& range : apart) {
    const CodePoints below = {range.first, std::min(range.last, kSurrogates.first - 1)};
    const CodePoints above = {std::max(range.first, kSurrogates.last + 1),
                              std::min(range.last, kCodePointMax)};
    for (const CodePoints& part : {below, above})
      if (part.first <= part.last) characters.push_back(part);
  }
  return characters;
}

/// Cuts a range of characters of equal length where their bytes stop being independent: after the
/// cuts, all but the first differing byte run through all their values.
void add_sequences(uint32_t first, uint32_t last, std::vector<ByteSequence>& sequences) {
  for (int bits = 6; bits <= 18; bits += 6) {
    const uint32_t mask = (uint32_t{1} << bits) - 1;
    if ((first & ~mask) == (last & ~mask)) continue;
    if ((first & mask) != 0) {
      add_sequences(first, first | mask, sequences);
      return add_sequences((first | mask) + 1, last, sequences);
    }
    if ((last & mask) != mask) {
      add_sequences(first, (last & ~mask) - 1, sequences);
      return add_sequences(last & ~mask, last, sequences);
    }
  }
  std::string low, high;
  text::append_utf8(low, first);
  text::append_utf8(high, last);
  ByteSequence sequence;
  for (size_t i = 0; i < low.size(); i++)
    sequence.push_back({static_cast<uint8_t>(low[i]), static_cast<uint8_t>(high[i])});
  sequences.push_back(std::move(sequence));
}

}  // namespace

std::vector<ByteSequence> utf8_sequences(std::vector<CodePoints> set) {
  constexpr CodePoints kLengths[] = {
      {0, 0x7F}, {0x80, 0x7FF}, {0x800, 0xFFFF}, {0x10000, 0x10FFFF}};
  std::vector<ByteSequence> sequences;
  for (const CodePoints& range : tidy(std::move(set)))
    for (const CodePoints& length : kLengths) {
      const uint32_t first = std::max(range.first, length.first);
      const uint32_t last = std::min(range.last, length.last);
      if (first > last) continue;
      if (last <= 0x7F)
        sequences.push_back({{static_cast<uint8_t>(first), static_cast<uint8_t>(last)}});
      else
        add_sequences(first, last, sequences);
    }
  return sequences;
}

}  // namespace troika::grammar
