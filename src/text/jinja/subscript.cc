#include "text/jinja/subscript.h"

#include <algorithm>
#include <optional>

#include "text/jinja/characters.h"
#include "text/jinja/methods.h"
#include "text/jinja/operators.h"

namespace troika::jinja {
namespace {

Value missing(const Value& value, const Text& name) {
  return Undefined{.name = name, .owner = value.object_name()};
}

Value loop_attribute(const Loop& loop, const Text& name) {
  const auto item = [&](int64_t at) {
    const bool there = at >= 0 && at < std::ssize(loop.items);
    return there ? loop.items[static_cast<size_t>(at)] : Value(Undefined{.name = name});
  };
  if (*name == "index") return Value::integer(loop.index + 1);
  if (*name == "index0") return Value::integer(loop.index);
  if (*name == "revindex") return Value::integer(loop.length - loop.index);
  if (*name == "revindex0") return Value::integer(loop.length - loop.index - 1);
  if (*name == "first") return Value::boolean(loop.index == 0);
  if (*name == "last") return Value::boolean(loop.index + 1 == loop.length);
  if (*name == "length") return Value::integer(loop.length);
  if (*name == "depth") return Value::integer(1);  // of recursive loops, which there are none
  if (*name == "depth0") return Value::integer(0);
  if (*name == "previtem") return item(loop.index - 1);
  if (*name == "nextitem") return item(loop.index + 1);
  return Undefined{.name = name, .owner = "loop object"};
}

std::optional<int64_t> wrapped(int64_t index, int64_t size) {
  if (index < 0) index += size;
  if (index < 0 || index >= size) return std::nullopt;
  return index;
}

/// value[key] without a look at attributes; nothing if there is none.
Result<std::optional<Value>> own_item(Runtime& runtime, const Value& value, const Value& key) {
  if (value.is(Kind::dict)) {
    TROIKA_TRY(const Value* const found, find_key(runtime, value.dict(), key));
    return found != nullptr ? std::optional(*found) : std::nullopt;
  }
  if (!key.is_integer()) return std::optional<Value>();
  if (value.is(Kind::list)) {
    const std::vector<Value>& items = value.list().items;
    const auto index = wrapped(key.to_integer(), std::ssize(items));
    if (!index) return std::optional<Value>();
    return std::optional(items[static_cast<size_t>(*index)]);
  }
  if (!value.is(Kind::text)) return std::optional<Value>();
  const std::string_view text = value.text();
  TROIKA_RETURN_IF_ERROR(runtime.step(1 + std::ssize(text) / 64));
  const std::vector<size_t> offsets = character_offsets(text);
  const auto index = wrapped(key.to_integer(), std::ssize(offsets) - 1);
  if (!index) return std::optional<Value>();
  const auto at = static_cast<size_t>(*index);
  TROIKA_TRY(Value character,
             runtime.text(std::string(text.substr(offsets[at], offsets[at + 1] - offsets[at]))));
  return std::optional(std::move(character));
}

/// One bound of a slice over `size` items, as Python clamps it.
Result<int64_t> bound(const Runtime& runtime, const Value& given, int64_t fallback, int64_t size,
                      bool backwards) {
  if (given.is_undefined() || given.is(Kind::none)) return fallback;
  if (!given.is_integer())
    return runtime.fail("a slice from or to {}, wanted an integer", given.type_name());
  int64_t at = given.to_integer();
  if (at < 0) at = at < -size ? -1 : at + size;
  if (at < 0) return backwards ? int64_t{-1} : int64_t{0};
  return std::min(at, backwards ? size - 1 : size);
}

/// Positions of a slice over `size` items.
Result<std::vector<int64_t>> slice_positions(Runtime& runtime, const SliceBounds& bounds,
                                             int64_t size) {
  int64_t step = 1;
  if (bounds.step.is_integer())
    step = bounds.step.to_integer();
  else if (!bounds.step.is_undefined() && !bounds.step.is(Kind::none))
    return runtime.fail("a slice in steps of {}", bounds.step.type_name());
  if (step == 0) return runtime.fail("a slice in steps of 0");
  step = std::clamp<int64_t>(step, -size - 1, size + 1);
  const bool backwards = step < 0;
  TROIKA_TRY(const int64_t start,
             bound(runtime, bounds.start, backwards ? size - 1 : 0, size, backwards));
  TROIKA_TRY(const int64_t stop,
             bound(runtime, bounds.stop, backwards ? -1 : size, size, backwards));
  TROIKA_RETURN_IF_ERROR(runtime.step(1 + size / 16));
  std::vector<int64_t> positions;
  for (int64_t at = start; backwards ? at > stop : at < stop; at += step) positions.push_back(at);
  return positions;
}

}  // namespace

Result<Value> attribute_of(Runtime& runtime, const Value& value, const Text& name) {
  switch (value.kind()) {
    case Kind::undefined:
      return runtime.undefined(value);
    case Kind::space: {
      const Value* const found = value.space().variables.find(*name);
      return found != nullptr ? *found : missing(value, name);
    }
    case Kind::loop:
      if (*name != "cycle" && *name != "changed") return loop_attribute(value.loop(), name);
      break;
    case Kind::function:
      if (*name == "name") return Value(value.function().name);
      return missing(value, name);
    default:
      break;
  }
  if (has_method(value, *name)) return runtime.function({.name = name, .self = value});
  if (value.is(Kind::dict)) {
    TROIKA_RETURN_IF_ERROR(runtime.step(std::ssize(value.dict().entries) / 16));
    if (const Value* const found = value.dict().find(*name)) return *found;
  }
  return missing(value, name);
}

Result<Value> item_of(Runtime& runtime, const Value& value, const Value& key) {
  if (value.is_undefined()) return runtime.undefined(value);
  TROIKA_TRY(std::optional<Value> item, own_item(runtime, value, key));
  if (item) return *std::move(item);
  if (key.is(Kind::text)) return attribute_of(runtime, value, key.shared_text());
  if (key.is_undefined()) return Value(Undefined{.owner = value.object_name()});
  const std::string name =
      key.is_integer() ? std::to_string(key.to_integer()) : std::string(key.type_name());
  return missing(value, make_text(name));
}

Result<Value> follow(Runtime& runtime, const Value& value, const Value& path) {
  if (!path.is(Kind::text)) return item_of(runtime, value, path);
  Value at = value;
  for (const std::string_view part : split(path.text(), ".", -1)) {
    const bool is_number = all_characters(part, is_decimal_digit) && part.size() < 10;
    const Value key = is_number ? Value::integer(std::stoll(std::string(part)))
                                : Value(make_text(std::string(part)));
    TROIKA_TRY(at, item_of(runtime, at, key));
  }
  return at;
}

Result<Value> slice_of(Runtime& runtime, const Value& value, const SliceBounds& bounds) {
  if (value.is_undefined()) return runtime.undefined(value);
  if (value.is(Kind::list)) {
    const std::vector<Value>& items = value.list().items;
    TROIKA_TRY(const std::vector<int64_t> positions,
               slice_positions(runtime, bounds, std::ssize(items)));
    std::vector<Value> slice;
    slice.reserve(positions.size());
    for (const int64_t at : positions) slice.push_back(items[static_cast<size_t>(at)]);
    return runtime.list(std::move(slice), value.list().is_tuple);
  }
  if (!value.is(Kind::text)) return runtime.fail("a slice of {}", value.type_name());
  const std::string_view text = value.text();
  const std::vector<size_t> offsets = character_offsets(text);
  TROIKA_TRY(const std::vector<int64_t> positions,
             slice_positions(runtime, bounds, std::ssize(offsets) - 1));
  std::string slice;
  for (const int64_t position : positions) {
    const auto at = static_cast<size_t>(position);
    slice += text.substr(offsets[at], offsets[at + 1] - offsets[at]);
  }
  return runtime.text(std::move(slice));
}

int64_t length_of(const Value& value) {
  switch (value.kind()) {
    case Kind::text:
      return count_characters(value.text());
    case Kind::list:
      return std::ssize(value.list().items);
    case Kind::dict:
      return std::ssize(value.dict().entries);
    case Kind::loop:
      return value.loop().length;
    default:
      return 0;
  }
}

}  // namespace troika::jinja
