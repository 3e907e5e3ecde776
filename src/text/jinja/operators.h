// What Python's operators do with values.
#pragma once

#include "core/result.h"
#include "text/jinja/ast.h"
#include "text/jinja/runtime.h"
#include "text/jinja/value.h"

namespace troika::jinja {

/// left == right: by value, through lists and dicts. Errors: exhausted.
Result<bool> equals(Runtime& runtime, const Value& left, const Value& right);

/// left < right: numbers, strings by code points, lists by their items. Errors: unsupported — other
/// types, or undefined; exhausted.
Result<bool> less(Runtime& runtime, const Value& left, const Value& right);

/// needle in haystack. Errors: unsupported — the haystack holds nothing; exhausted.
Result<bool> contains(Runtime& runtime, const Value& haystack, const Value& needle);

/// left <comparison> right. Errors: those of the above.
Result<bool> compare(Runtime& runtime, Comparison comparison, const Value& left,
                     const Value& right);

/// left <operation> right. Errors: unsupported — types that do not go together, division by zero,
/// an integer beyond 64 bits; exhausted.
Result<Value> calculate(Runtime& runtime, Operator operation, const Value& left,
                        const Value& right);

/// +value or -value. Errors: unsupported — not a number.
Result<Value> apply_sign(Runtime& runtime, char sign, const Value& value);

/// The entry of `dict` whose key equals `key`; null if there is none. Errors: exhausted.
Result<Value*> find_key(Runtime& runtime, Dict& dict, const Value& key);

/// What a for loop goes through: items, keys, characters; nothing for what is undefined. Errors:
/// unsupported — not iterable; exhausted.
Result<std::vector<Value>> iterate(Runtime& runtime, const Value& value);

}  // namespace troika::jinja
