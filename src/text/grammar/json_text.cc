#include "text/grammar/json_text.h"

#include <algorithm>
#include <charconv>

#include "text/grammar/schema_json.h"
#include "text/utf8.h"

namespace troika::grammar {
namespace {

constexpr CodePoints kDigits = {'0', '9'};

ExprId hex_digits(Grammar& g, int64_t count) {
  return g.repeat(g.set({kDigits, {'a', 'f'}, {'A', 'F'}}), count, count);
}

/// The part of `set` that is in one of `parts`.
std::vector<CodePoints> common(const std::vector<CodePoints>& set,
                               std::initializer_list<CodePoints> parts) {
  std::vector<CodePoints> all;
  for (const CodePoints& range : set)
    for (const CodePoints& part : parts) {
      const CodePoints both = {std::max(range.first, part.first), std::min(range.last, part.last)};
      if (both.first <= both.last) all.push_back(both);
    }
  return all;
}

std::optional<ExprId> raw_character(Grammar& g, const std::vector<CodePoints>& set) {
  std::vector<CodePoints> plain = common(set, {{0, '<' - 1}, {'<' + 1, kCodePointMax}});
  if (plain.empty()) return std::nullopt;
  return g.set(std::move(plain));
}

}  // namespace

std::optional<ExprId> string_character(Grammar& g, const std::vector<CodePoints>& set,
                                       const JsonNotation& notation) {
  if (notation.raw) return raw_character(g, set);
  std::vector<CodePoints> plain = common(set, {{0x20, 0x21}, {0x23, 0x5B}, {0x5D, kCodePointMax}});
  std::vector<ExprId> ways;
  for (const CodePoints& range : set) {
    for (uint32_t c = range.first; c <= std::min<uint32_t>(range.last, 0x1F); c++)
      ways.push_back(g.literal(json_escaped(std::string(1, static_cast<char>(c)))));
    for (const char c : {'"', '\\'})
      if (range.first <= static_cast<uint32_t>(c) && static_cast<uint32_t>(c) <= range.last)
        ways.push_back(g.literal(std::string("\\") + c));
  }
  if (!plain.empty()) ways.push_back(g.set(std::move(plain)));
  if (ways.empty()) return std::nullopt;
  return g.choice(std::move(ways));
}

ExprId any_string_character(Grammar& g, const JsonNotation& notation) {
  if (notation.raw) return *raw_character(g, {{0, kCodePointMax}});
  const ExprId plain = g.set({{0x20, 0x21}, {0x23, 0x5B}, {0x5D, kCodePointMax}});
  const ExprId high = g.sequence(
      {g.set({kDigits, {'a', 'c'}, {'A', 'C'}, {'e', 'f'}, {'E', 'F'}}), hex_digits(g, 3)});
  const ExprId low =  // U+D800 to U+DFFF are halves of characters
      g.sequence({g.set({{'d', 'd'}, {'D', 'D'}}), g.set({{'0', '7'}}), hex_digits(g, 2)});
  const ExprId number = g.sequence({g.literal("u"), g.choice({high, low})});
  const ExprId name =
      g.set({{'"', '"'}, {'\\', '\\'}, {'b', 'b'}, {'f', 'f'}, {'n', 'n'}, {'r', 'r'}, {'t', 't'}});
  return g.choice({plain, g.sequence({g.literal("\\"), g.choice({name, number})})});
}

}  // namespace troika::grammar
