#include "model/inflate_axes.h"

#include <algorithm>

namespace troika {
namespace {

struct Unit {
  int32_t source = 0;  // the unit that it is, or would be a copy of
  bool original = false;
};

int64_t units_of(UnitAxis axis, const ModelShape& shape) {
  switch (axis) {
    case UnitAxis::ffn:
      return shape.ffn;
    case UnitAxis::heads:
      return shape.heads;
    case UnitAxis::kv_heads:
      return shape.kv_heads;
    case UnitAxis::key_heads:
      return shape.key_heads;
    case UnitAxis::value_heads:
      return shape.value_heads;
  }
  return 0;
}

/// How units of an axis are laid out: unit (outer, inner) stands at outer * inner_count + inner.
/// Both parts grow, and a unit keeps both its numbers.
struct Grid {
  int64_t outer = 1, inner = 1;
};

Grid grid_of(UnitAxis axis, const ModelShape& shape) {
  // Query heads of one KV head are neighbours; value heads of one key head stand a round of all key
  // heads apart.
  if (axis == UnitAxis::heads) return {shape.kv_heads, shape.heads / shape.kv_heads};
  if (axis == UnitAxis::value_heads) return {shape.value_heads / shape.key_heads, shape.key_heads};
  return {1, units_of(axis, shape)};
}

std::vector<Unit> place(UnitAxis axis, const Growth& growth) {
  const Grid from = grid_of(axis, growth.from);
  const Grid to = grid_of(axis, growth.to);
  std::vector<Unit> units;
  for (int64_t outer = 0; outer < to.outer; outer++)
    for (int64_t inner = 0; inner < to.inner; inner++) {
      const int64_t source = outer % from.outer * from.inner + inner % from.inner;
      units.push_back({static_cast<int32_t>(source), outer < from.outer && inner < from.inner});
    }
  return units;
}

/// Whether unit `index` shares a block of columns with an original one.
bool is_beside_original(const std::vector<Unit>& units, int64_t index, int64_t width) {
  const int64_t begin = index * width / kSharedColumns * kSharedColumns;
  const int64_t end = ((index + 1) * width + kSharedColumns - 1) / kSharedColumns * kSharedColumns;
  const int64_t last = std::min((end + width - 1) / width, std::ssize(units));
  for (int64_t i = begin / width; i < last; i++)
    if (units[static_cast<size_t>(i)].original) return true;
  return false;
}

void append_unit(IndexMap& map, int32_t source, int64_t width) {
  for (int64_t i = 0; i < width; i++)
    map.push_back(source < 0 ? source : static_cast<int32_t>(source * width + i));
}

IndexMap identity(int64_t count) {
  IndexMap map(static_cast<size_t>(count));
  for (size_t i = 0; i < map.size(); i++) map[i] = static_cast<int32_t>(i);
  return map;
}

}  // namespace

int64_t unit_width(UnitAxis axis, const ModelShape& shape) {
  if (axis == UnitAxis::ffn) return 1;
  const bool attention = axis == UnitAxis::heads || axis == UnitAxis::kv_heads;
  return attention ? shape.head_dim : shape.state_dim;
}

IndexMap unit_rows(UnitAxis axis, int64_t width, const Growth& growth) {
  const std::vector<Unit> units = place(axis, growth);
  const bool copies = axis == UnitAxis::kv_heads || axis == UnitAxis::key_heads;
  const int64_t columns = unit_width(axis, growth.to);
  IndexMap map;
  for (int64_t i = 0; i < std::ssize(units); i++) {
    const bool known = copies || is_beside_original(units, i, columns);
    append_unit(map, known ? units[static_cast<size_t>(i)].source : kRandom, width);
  }
  return map;
}

IndexMap unit_copies(UnitAxis axis, int64_t width, const Growth& growth) {
  IndexMap map;
  for (const Unit unit : place(axis, growth)) append_unit(map, unit.source, width);
  return map;
}

IndexMap unit_columns(UnitAxis axis, const Growth& growth) {
  IndexMap map;
  const int64_t width = unit_width(axis, growth.to);
  for (const Unit unit : place(axis, growth))
    append_unit(map, unit.original ? unit.source : kZero, width);
  return map;
}

IndexMap hidden_written(const Growth& growth) {
  IndexMap map = identity(growth.from.hidden);
  map.resize(static_cast<size_t>(growth.to.hidden), kZero);
  return map;
}

IndexMap hidden_read(const Growth& growth) {
  IndexMap map = hidden_written(growth);
  const int64_t shared =
      (growth.from.hidden + kSharedColumns - 1) / kSharedColumns * kSharedColumns;
  for (int64_t i = shared; i < growth.to.hidden; i++) map[static_cast<size_t>(i)] = kRandom;
  return map;
}

IndexMap vocab_rows(const Growth& growth) {
  IndexMap map = identity(growth.to.vocab);
  for (int32_t& index : map) index %= static_cast<int32_t>(growth.from.vocab);
  return map;
}

}  // namespace troika
