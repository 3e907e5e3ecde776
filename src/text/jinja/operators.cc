#include "text/jinja/operators.h"

#include <algorithm>

#include "text/jinja/characters.h"

namespace troika::jinja {
namespace {

Result<bool> equal_lists(Runtime& runtime, const List& left, const List& right) {
  if (left.items.size() != right.items.size() || left.is_tuple != right.is_tuple) return false;
  for (size_t i = 0; i < left.items.size(); i++) {
    TROIKA_TRY(const bool same, equals(runtime, left.items[i], right.items[i]));
    if (!same) return false;
  }
  return true;
}

Result<bool> equal_dicts(Runtime& runtime, Dict& left, Dict& right) {
  if (left.entries.size() != right.entries.size()) return false;
  for (const auto& [key, value] : left.entries) {
    TROIKA_TRY(const Value* const other, find_key(runtime, right, key));
    if (other == nullptr) return false;
    TROIKA_TRY(const bool same, equals(runtime, value, *other));
    if (!same) return false;
  }
  return true;
}

Result<bool> less_lists(Runtime& runtime, const List& left, const List& right) {
  const size_t both = std::min(left.items.size(), right.items.size());
  for (size_t i = 0; i < both; i++) {
    TROIKA_TRY(const bool same, equals(runtime, left.items[i], right.items[i]));
    if (!same) return less(runtime, left.items[i], right.items[i]);
  }
  return left.items.size() < right.items.size();
}

/// The error of whichever is undefined, if one is.
Status check_defined(const Runtime& runtime, const Value& left, const Value& right) {
  if (left.is_undefined()) return runtime.undefined(left);
  if (right.is_undefined()) return runtime.undefined(right);
  return ok();
}

/// Steps for work on `bytes` bytes that the interpreter does not see.
Status step_for_bytes(Runtime& runtime, size_t bytes) {
  return runtime.step(1 + static_cast<int64_t>(bytes / 256));
}

}  // namespace

Result<bool> equals(Runtime& runtime, const Value& left, const Value& right) {
  TROIKA_RETURN_IF_ERROR(runtime.step());
  if (left.is_number() && right.is_number()) {
    if (left.is(Kind::real) || right.is(Kind::real)) return left.to_real() == right.to_real();
    return left.to_integer() == right.to_integer();
  }
  if (left.is(Kind::text) && right.is(Kind::text)) {
    TROIKA_RETURN_IF_ERROR(step_for_bytes(runtime, left.text().size()));
    return left.text() == right.text();
  }
  if (left.kind() != right.kind()) return false;
  TROIKA_TRY(const Level level, Level::enter(runtime));
  if (left.is(Kind::list)) return equal_lists(runtime, left.list(), right.list());
  if (left.is(Kind::dict)) return equal_dicts(runtime, left.dict(), right.dict());
  return left.same(right);
}

Result<bool> less(Runtime& runtime, const Value& left, const Value& right) {
  TROIKA_RETURN_IF_ERROR(runtime.step());
  TROIKA_RETURN_IF_ERROR(check_defined(runtime, left, right));
  if (left.is_number() && right.is_number()) {
    if (left.is(Kind::real) || right.is(Kind::real)) return left.to_real() < right.to_real();
    return left.to_integer() < right.to_integer();
  }
  // Bytes of UTF-8 stand in the order of code points.
  if (left.is(Kind::text) && right.is(Kind::text)) {
    TROIKA_RETURN_IF_ERROR(step_for_bytes(runtime, left.text().size()));
    return left.text() < right.text();
  }
  if (left.is(Kind::list) && right.is(Kind::list)) {
    TROIKA_TRY(const Level level, Level::enter(runtime));
    return less_lists(runtime, left.list(), right.list());
  }
  return runtime.fail("'<' between {} and {}", left.type_name(), right.type_name());
}

Result<bool> contains(Runtime& runtime, const Value& haystack, const Value& needle) {
  switch (haystack.kind()) {
    case Kind::undefined:
      return false;
    case Kind::text:
      if (!needle.is(Kind::text))
        return runtime.fail("'in' a str asked of {}, wanted str", needle.type_name());
      TROIKA_RETURN_IF_ERROR(step_for_bytes(runtime, haystack.text().size()));
      return find_part(haystack.text(), needle.text()) != std::string::npos;
    case Kind::list:
      for (const Value& item : haystack.list().items) {
        TROIKA_TRY(const bool same, equals(runtime, item, needle));
        if (same) return true;
      }
      return false;
    case Kind::dict: {
      TROIKA_TRY(const Value* const found, find_key(runtime, haystack.dict(), needle));
      return found != nullptr;
    }
    default:
      return runtime.fail("'in' of {}, wanted a list, dict or str", haystack.type_name());
  }
}

Result<bool> compare(Runtime& runtime, Comparison comparison, const Value& left,
                     const Value& right) {
  const auto negated = [](Result<bool> result) -> Result<bool> {
    if (result.ok()) return !*result;
    return result;
  };
  switch (comparison) {
    case Comparison::equal:
      return equals(runtime, left, right);
    case Comparison::unequal:
      return negated(equals(runtime, left, right));
    case Comparison::less:
      return less(runtime, left, right);
    case Comparison::greater:
      return less(runtime, right, left);
    case Comparison::less_equal:
    case Comparison::greater_equal: {
      const bool swapped = comparison == Comparison::greater_equal;
      const Value& low = swapped ? right : left;
      const Value& high = swapped ? left : right;
      TROIKA_TRY(const bool below, less(runtime, low, high));
      return below ? Result<bool>(true) : equals(runtime, low, high);
    }
    case Comparison::in:
      return contains(runtime, right, left);
    case Comparison::not_in:
      break;
  }
  return negated(contains(runtime, right, left));
}

Result<Value*> find_key(Runtime& runtime, Dict& dict, const Value& key) {
  TROIKA_RETURN_IF_ERROR(runtime.step(1 + std::ssize(dict.entries) / 16));
  if (key.is(Kind::text)) return dict.find(key.text());
  for (auto& [known, value] : dict.entries) {
    if (known.is(Kind::text)) continue;
    TROIKA_TRY(const bool same, equals(runtime, known, key));
    if (same) return &value;
  }
  return nullptr;
}

Result<std::vector<Value>> iterate(Runtime& runtime, const Value& value) {
  std::vector<Value> items;
  switch (value.kind()) {
    case Kind::undefined:
      break;
    case Kind::list:
      TROIKA_RETURN_IF_ERROR(runtime.reserve_items(std::ssize(value.list().items)));
      return value.list().items;
    case Kind::dict:
      TROIKA_RETURN_IF_ERROR(runtime.reserve_items(std::ssize(value.dict().entries)));
      for (const auto& [key, item] : value.dict().entries) items.push_back(key);
      break;
    case Kind::text: {
      const std::string_view text = value.text();
      const std::vector<size_t> offsets = character_offsets(text);
      TROIKA_RETURN_IF_ERROR(runtime.reserve_items(std::ssize(offsets) * 3));
      for (size_t i = 0; i + 1 < offsets.size(); i++)
        items.push_back(
            make_text(std::string(text.substr(offsets[i], offsets[i + 1] - offsets[i]))));
      break;
    }
    default:
      return runtime.fail("{} is not iterable", value.type_name());
  }
  return items;
}

}  // namespace troika::jinja
