// Filters that apply a filter or a test to each item: map, select, reject and their likes. Python
// makes generators of them; here they are lists.
#include <algorithm>

#include "text/jinja/conditions.h"
#include "text/jinja/filters.h"
#include "text/jinja/operators.h"
#include "text/jinja/subscript.h"

namespace troika::jinja {
namespace {

using Given = const Arguments&;

/// `given` without its first `count` by position.
Arguments without(Given given, size_t count) {
  Arguments rest{.named = given.named};
  if (given.positional.size() > count)
    rest.positional.assign(given.positional.begin() + static_cast<ptrdiff_t>(count),
                           given.positional.end());
  return rest;
}

/// The items of `value`; none of what counts as false, whatever it is.
Result<std::vector<Value>> items_of(Runtime& runtime, const Value& value) {
  if (!value.truth()) return std::vector<Value>();
  return iterate(runtime, value);
}

Result<Value> map_attribute(Runtime& runtime, const std::vector<Value>& items,
                            const Value& attribute, const Value* fallback) {
  std::vector<Value> mapped;
  for (const Value& item : items) {
    TROIKA_TRY(Value value, follow(runtime, item, attribute));
    if (value.is_undefined() && fallback != nullptr) value = *fallback;
    mapped.push_back(std::move(value));
  }
  return runtime.list(std::move(mapped));
}

Result<Value> map(Runtime& runtime, const Value& value, Given given) {
  TROIKA_TRY(const std::vector<Value> items, items_of(runtime, value));
  if (const Value* const attribute = given.find(-1, "attribute"))
    return map_attribute(runtime, items, *attribute, given.find(-1, "default"));
  TROIKA_TRY(const std::string_view name, given.text(runtime, 0, "filter", ""));
  const Arguments rest = without(given, 1);
  TROIKA_TRY(const Level level, Level::enter(runtime));
  std::vector<Value> mapped;
  for (const Value& item : items) {
    TROIKA_TRY(Value result, apply_filter(runtime, name, item, rest));
    mapped.push_back(std::move(result));
  }
  return runtime.list(std::move(mapped));
}

/// Items, or attributes of items, for which the test (or truth, without one) is `wanted`.
Result<Value> choose(Runtime& runtime, const Value& value, Given given, bool by_attribute,
                     bool wanted) {
  TROIKA_TRY(const std::vector<Value> items, items_of(runtime, value));
  const size_t first = by_attribute ? 1 : 0;
  if (given.positional.size() < first) return runtime.fail("a choice without an attribute");
  const bool tests = given.positional.size() > first;
  TROIKA_TRY(const std::string_view name,
             tests ? given.text(runtime, static_cast<int>(first), "test", "")
                   : Result<std::string_view>(std::string_view()));
  const Arguments rest = without(given, first + 1);
  std::vector<Value> chosen;
  for (const Value& item : items) {
    TROIKA_RETURN_IF_ERROR(runtime.step());
    Value subject = item;
    if (by_attribute) {
      TROIKA_TRY(subject, follow(runtime, item, given.positional[0]));
    }
    bool holds = subject.truth();
    if (tests) {
      TROIKA_TRY(holds, check_condition(runtime, name, subject, rest));
    }
    if (holds == wanted) chosen.push_back(item);
  }
  return runtime.list(std::move(chosen));
}

template <bool by_attribute, bool wanted>
Result<Value> choice(Runtime& runtime, const Value& value, Given given) {
  return choose(runtime, value, given, by_attribute, wanted);
}

}  // namespace

FilterFunction find_choice_filter(std::string_view name) {
  if (name == "map") return map;
  if (name == "select") return choice<false, true>;
  if (name == "reject") return choice<false, false>;
  if (name == "selectattr") return choice<true, true>;
  return name == "rejectattr" ? choice<true, false> : nullptr;
}

}  // namespace troika::jinja
