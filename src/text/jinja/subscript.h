// What a value has: attributes (a.b), items (a[b]) and slices (a[b:c]).
#pragma once

#include "core/result.h"
#include "text/jinja/runtime.h"
#include "text/jinja/value.h"

namespace troika::jinja {

/// value.name: a method or property of that name, else the item; undefined if there is neither.
/// Errors: unsupported — `value` is undefined itself; exhausted.
Result<Value> attribute_of(Runtime& runtime, const Value& value, const Text& name);

/// value[key]: the item, else for a string the attribute; undefined if there is neither. Errors: as
/// attribute_of().
Result<Value> item_of(Runtime& runtime, const Value& value, const Value& key);

/// Follows `path`, names and positions with dots between them, as filters take it ("function.name",
/// "0"). Errors: as attribute_of().
Result<Value> follow(Runtime& runtime, const Value& value, const Value& path);

/// The bounds of a slice; undefined stands for those left out.
struct SliceBounds {
  Value start, stop, step;
};

/// value[start:stop:step] of a string or list; undefined of anything else. Errors: unsupported — a
/// bound that is no integer, a step of 0, an undefined value; exhausted.
Result<Value> slice_of(Runtime& runtime, const Value& value, const SliceBounds& bounds);

/// Characters of a string, items of a list, pairs of a dict; nothing for other kinds.
int64_t length_of(const Value& value);

}  // namespace troika::jinja
