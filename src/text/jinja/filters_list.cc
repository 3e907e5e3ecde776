// Filters of lists: order, parts, sums.
#include <algorithm>

#include "text/jinja/characters.h"
#include "text/jinja/filters.h"
#include "text/jinja/methods.h"
#include "text/jinja/operators.h"
#include "text/jinja/print.h"
#include "text/jinja/subscript.h"

namespace troika::jinja {
namespace {

using Given = const Arguments&;

struct Named {
  std::string_view name;
  FilterFunction filter;
};

/// What items are compared by: themselves or an attribute; strings without their case, unless told.
struct KeyRule {
  const Value* attribute = nullptr;
  bool with_case = false;
};

Result<Value> key_of(Runtime& runtime, const Value& item, const KeyRule& rule) {
  Value key = item;
  if (rule.attribute != nullptr && !rule.attribute->is(Kind::none)) {
    TROIKA_TRY(key, follow(runtime, item, *rule.attribute));
  }
  if (rule.with_case || !key.is(Kind::text)) return key;
  return runtime.text(to_lower(key.text()));
}

struct Keyed {
  Value key, item;
};

Result<std::vector<Keyed>> keyed_items(Runtime& runtime, const Value& value, const KeyRule& rule) {
  TROIKA_TRY(const std::vector<Value> items, iterate(runtime, value));
  std::vector<Keyed> keyed;
  for (const Value& item : items) {
    TROIKA_TRY(Value key, key_of(runtime, item, rule));
    keyed.push_back({std::move(key), item});
  }
  return keyed;
}

/// Merges halves, because a comparison can fail, which the library's sort could not be told.
Status sort_keyed(Runtime& runtime, std::vector<Keyed>& items, bool descending) {
  std::vector<Keyed> merged(items.size());
  for (size_t width = 1; width < items.size(); width *= 2) {
    for (size_t begin = 0; begin < items.size(); begin += 2 * width) {
      const size_t middle = std::min(begin + width, items.size());
      const size_t end = std::min(begin + 2 * width, items.size());
      size_t left = begin;
      size_t right = middle;
      for (size_t at = begin; at < end; at++) {
        bool takes_right = left == middle;
        if (!takes_right && right < end) {
          const Value& low = descending ? items[left].key : items[right].key;
          const Value& high = descending ? items[right].key : items[left].key;
          TROIKA_TRY(takes_right, less(runtime, low, high));
        }
        merged[at] = items[takes_right ? right++ : left++];
      }
    }
    items.swap(merged);
  }
  return ok();
}

Result<Value> list_of(Runtime& runtime, const std::vector<Keyed>& keyed) {
  std::vector<Value> items;
  for (const Keyed& each : keyed) items.push_back(each.item);
  return runtime.list(std::move(items));
}

Result<Value> list(Runtime& runtime, const Value& value, Given) {
  TROIKA_TRY(std::vector<Value> items, iterate(runtime, value));
  return runtime.list(std::move(items));
}

template <bool last>
Result<Value> end_item(Runtime& runtime, const Value& value, Given) {
  TROIKA_TRY(const std::vector<Value> items, iterate(runtime, value));
  if (items.empty()) return Value();
  return last ? items.back() : items.front();
}

Result<Value> reverse(Runtime& runtime, const Value& value, Given) {
  if (value.is(Kind::text)) return slice_of(runtime, value, {.step = Value::integer(-1)});
  TROIKA_TRY(std::vector<Value> items, iterate(runtime, value));
  std::ranges::reverse(items);
  return runtime.list(std::move(items));
}

Result<Value> join(Runtime& runtime, const Value& value, Given given) {
  TROIKA_TRY(const std::vector<Value> items, iterate(runtime, value));
  std::string separator;
  if (const Value* const by = given.find(0, "d")) {
    TROIKA_RETURN_IF_ERROR(append_text(runtime, *by, separator));
  }
  const Value* const attribute = given.find(1, "attribute");
  std::string text;
  for (size_t i = 0; i < items.size(); i++) {
    if (i > 0) text += separator;
    Value item = items[i];
    if (attribute != nullptr) {
      TROIKA_TRY(item, follow(runtime, items[i], *attribute));
    }
    TROIKA_RETURN_IF_ERROR(append_text(runtime, item, text));
  }
  return runtime.text(std::move(text));
}

Result<Value> items_of(Runtime& runtime, const Value& value, Given given) {
  if (value.is_undefined()) return runtime.list({});
  if (!value.is(Kind::dict)) return runtime.fail("items of {}, wanted a dict", value.type_name());
  return find_dict_method("items")(runtime, value, given);
}

Result<Value> dictsort(Runtime& runtime, const Value& value, Given given) {
  TROIKA_TRY(const std::string_view by, given.text(runtime, 1, "by", "key"));
  if (by != "key" && by != "value") return runtime.fail("dictsort: by is neither key nor value");
  if (!value.is(Kind::dict)) return runtime.fail("dictsort of {}", value.type_name());
  TROIKA_TRY(const Value pairs, items_of(runtime, value, {}));
  const Value position = Value::integer(by == "key" ? 0 : 1);
  const KeyRule rule{.attribute = &position, .with_case = given.truth(0, "case_sensitive", false)};
  TROIKA_TRY(std::vector<Keyed> keyed, keyed_items(runtime, pairs, rule));
  TROIKA_RETURN_IF_ERROR(sort_keyed(runtime, keyed, given.truth(2, "reverse", false)));
  return list_of(runtime, keyed);
}

Result<Value> sort(Runtime& runtime, const Value& value, Given given) {
  const KeyRule rule{.attribute = given.find(2, "attribute"),
                     .with_case = given.truth(1, "case_sensitive", false)};
  TROIKA_TRY(std::vector<Keyed> keyed, keyed_items(runtime, value, rule));
  TROIKA_RETURN_IF_ERROR(sort_keyed(runtime, keyed, given.truth(0, "reverse", false)));
  return list_of(runtime, keyed);
}

Result<Value> unique(Runtime& runtime, const Value& value, Given given) {
  const KeyRule rule{.attribute = given.find(1, "attribute"),
                     .with_case = given.truth(0, "case_sensitive", false)};
  TROIKA_TRY(const std::vector<Keyed> keyed, keyed_items(runtime, value, rule));
  std::vector<Keyed> kept;
  for (const Keyed& each : keyed) {
    bool known = false;
    for (size_t i = 0; !known && i < kept.size(); i++) {
      TROIKA_TRY(known, equals(runtime, kept[i].key, each.key));
    }
    if (!known) kept.push_back(each);
  }
  return list_of(runtime, kept);
}

template <bool largest>
Result<Value> extreme(Runtime& runtime, const Value& value, Given given) {
  const KeyRule rule{.attribute = given.find(1, "attribute"),
                     .with_case = given.truth(0, "case_sensitive", false)};
  TROIKA_TRY(const std::vector<Keyed> keyed, keyed_items(runtime, value, rule));
  if (keyed.empty()) return Value();
  size_t best = 0;
  for (size_t i = 1; i < keyed.size(); i++) {
    const Value& low = largest ? keyed[best].key : keyed[i].key;
    const Value& high = largest ? keyed[i].key : keyed[best].key;
    TROIKA_TRY(const bool better, less(runtime, low, high));
    if (better) best = i;
  }
  return keyed[best].item;
}

Result<Value> sum(Runtime& runtime, const Value& value, Given given) {
  TROIKA_TRY(const std::vector<Value> items, iterate(runtime, value));
  const Value* const attribute = given.find(0, "attribute");
  const Value* const start = given.find(1, "start");
  Value total = start != nullptr ? *start : Value::integer(0);
  for (const Value& item : items) {
    Value addend = item;
    if (attribute != nullptr && !attribute->is(Kind::none)) {
      TROIKA_TRY(addend, follow(runtime, item, *attribute));
    }
    TROIKA_TRY(total, calculate(runtime, Operator::add, total, addend));
  }
  return total;
}

/// Groups by an attribute, in the order of the attribute: a list of (attribute, items).
Result<Value> groupby(Runtime& runtime, const Value& value, Given given) {
  const KeyRule rule{.attribute = given.find(0, "attribute"),
                     .with_case = given.truth(2, "case_sensitive", false)};
  if (rule.attribute == nullptr) return runtime.fail("groupby without an attribute");
  TROIKA_TRY(std::vector<Keyed> keyed, keyed_items(runtime, value, rule));
  TROIKA_RETURN_IF_ERROR(sort_keyed(runtime, keyed, false));
  std::vector<Value> groups;
  for (size_t i = 0; i < keyed.size(); i++) {
    bool same = i > 0;
    if (same) {
      TROIKA_TRY(same, equals(runtime, keyed[i - 1].key, keyed[i].key));
    }
    if (!same) {
      TROIKA_TRY(const Value name, follow(runtime, keyed[i].item, *rule.attribute));
      TROIKA_TRY(const Value members, runtime.list({}));
      TROIKA_TRY(Value group, runtime.list({name, members}, true));
      groups.push_back(std::move(group));
    }
    TROIKA_RETURN_IF_ERROR(runtime.reserve_items(2));
    groups.back().list().items[1].list().items.push_back(keyed[i].item);
  }
  return runtime.list(std::move(groups));
}

Result<Value> batch(Runtime& runtime, const Value& value, Given given) {
  TROIKA_TRY(const std::vector<Value> items, iterate(runtime, value));
  TROIKA_TRY(const int64_t size, given.integer(runtime, 0, "linecount", 0));
  if (size < 1 || size > kRangeMax) return runtime.fail("batches of {}", size);
  const Value* const fill = given.find(1, "fill_with");
  std::vector<Value> batches;
  for (size_t begin = 0; begin < items.size(); begin += static_cast<size_t>(size)) {
    const size_t end = std::min(begin + static_cast<size_t>(size), items.size());
    std::vector<Value> part(items.begin() + static_cast<ptrdiff_t>(begin),
                            items.begin() + static_cast<ptrdiff_t>(end));
    if (fill != nullptr && !fill->is(Kind::none)) part.resize(static_cast<size_t>(size), *fill);
    TROIKA_TRY(Value one, runtime.list(std::move(part)));
    batches.push_back(std::move(one));
  }
  return runtime.list(std::move(batches));
}

constexpr Named kFilters[] = {{"batch", batch},
                              {"dictsort", dictsort},
                              {"first", end_item<false>},
                              {"groupby", groupby},
                              {"items", items_of},
                              {"join", join},
                              {"last", end_item<true>},
                              {"list", list},
                              {"max", extreme<true>},
                              {"min", extreme<false>},
                              {"reverse", reverse},
                              {"sort", sort},
                              {"sum", sum},
                              {"unique", unique}};

}  // namespace

FilterFunction find_list_filter(std::string_view name) {
  const auto found = std::ranges::find(kFilters, name, &Named::name);
  return found != std::end(kFilters) ? found->filter : nullptr;
}

}  // namespace troika::jinja
