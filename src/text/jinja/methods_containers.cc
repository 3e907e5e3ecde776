// Methods of lists and dicts.
#include <algorithm>
#include <span>

#include "text/jinja/methods.h"
#include "text/jinja/operators.h"

namespace troika::jinja {
namespace {

using Self = const Value&;
using Given = const Arguments&;

struct Named {
  std::string_view name;
  Method method;
};

Method find(std::span<const Named> table, std::string_view name) {
  const auto found = std::ranges::find(table, name, &Named::name);
  return found != table.end() ? found->method : nullptr;
}

// Lists.

Result<Value> append(Runtime& runtime, Self self, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "append", 1, 1));
  TROIKA_RETURN_IF_ERROR(runtime.reserve_items(2));
  self.list().items.push_back(given.positional[0]);
  return Value(None{});
}

Result<Value> extend(Runtime& runtime, Self self, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "extend", 1, 1));
  TROIKA_TRY(const std::vector<Value> more, iterate(runtime, given.positional[0]));
  TROIKA_RETURN_IF_ERROR(runtime.reserve_items(2 * std::ssize(more)));
  self.list().items.insert(self.list().items.end(), more.begin(), more.end());
  return Value(None{});
}

Result<Value> insert(Runtime& runtime, Self self, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "insert", 2, 2));
  TROIKA_TRY(int64_t at, given.integer(runtime, 0, "index", 0));
  std::vector<Value>& items = self.list().items;
  if (at < 0) at += std::ssize(items);
  at = std::clamp<int64_t>(at, 0, std::ssize(items));
  TROIKA_RETURN_IF_ERROR(runtime.step(1 + std::ssize(items) / 16));
  TROIKA_RETURN_IF_ERROR(runtime.reserve_items(2));
  items.insert(items.begin() + at, given.positional[1]);
  return Value(None{});
}

Result<Value> pop(Runtime& runtime, Self self, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "pop", 0, 1));
  std::vector<Value>& items = self.list().items;
  TROIKA_TRY(int64_t at, given.integer(runtime, 0, "index", -1));
  if (at < 0) at += std::ssize(items);
  if (at < 0 || at >= std::ssize(items)) return runtime.fail("pop() beyond the list");
  TROIKA_RETURN_IF_ERROR(runtime.step(1 + std::ssize(items) / 16));
  const Value item = items[static_cast<size_t>(at)];
  items.erase(items.begin() + at);
  return item;
}

Result<Value> index(Runtime& runtime, Self self, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "index", 1, 1));
  for (size_t i = 0; i < self.list().items.size(); i++) {
    TROIKA_TRY(const bool same, equals(runtime, self.list().items[i], given.positional[0]));
    if (same) return Value::integer(static_cast<int64_t>(i));
  }
  return runtime.fail("index() of what is not in the list");
}

Result<Value> count(Runtime& runtime, Self self, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "count", 1, 1));
  int64_t found = 0;
  for (size_t i = 0; i < self.list().items.size(); i++) {
    TROIKA_TRY(const bool same, equals(runtime, self.list().items[i], given.positional[0]));
    found += same ? 1 : 0;
  }
  return Value::integer(found);
}

Result<Value> reverse(Runtime& runtime, Self self, Given) {
  TROIKA_RETURN_IF_ERROR(runtime.step(1 + std::ssize(self.list().items) / 16));
  std::ranges::reverse(self.list().items);
  return Value(None{});
}

Result<Value> copy_list(Runtime& runtime, Self self, Given) {
  return runtime.list(self.list().items);
}

Result<Value> clear_list(Runtime&, Self self, Given) {
  self.list().items.clear();
  return Value(None{});
}

// Dicts.

Result<Value> get(Runtime& runtime, Self self, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "get", 1, 2));
  TROIKA_TRY(const Value* const found, find_key(runtime, self.dict(), given.positional[0]));
  if (found != nullptr) return *found;
  const Value* const fallback = given.find(1, "default");
  return fallback != nullptr ? *fallback : Value(None{});
}

Result<Value> items(Runtime& runtime, Self self, Given) {
  std::vector<Value> pairs;
  for (const auto& [key, value] : self.dict().entries) {
    TROIKA_TRY(Value pair, runtime.list({key, value}, true));
    pairs.push_back(std::move(pair));
  }
  return runtime.list(std::move(pairs));
}

Result<Value> keys(Runtime& runtime, Self self, Given) {
  TROIKA_TRY(std::vector<Value> all, iterate(runtime, self));
  return runtime.list(std::move(all));
}

Result<Value> values(Runtime& runtime, Self self, Given) {
  std::vector<Value> all;
  for (const auto& [key, value] : self.dict().entries) all.push_back(value);
  return runtime.list(std::move(all));
}

Result<Value> set_entry(Runtime& runtime, Dict& dict, const Value& key, const Value& value) {
  TROIKA_TRY(Value* const found, find_key(runtime, dict, key));
  if (found != nullptr) return *found = value;
  TROIKA_RETURN_IF_ERROR(runtime.reserve_items(4));
  dict.entries.emplace_back(key, value);
  return value;
}

Result<Value> setdefault(Runtime& runtime, Self self, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "setdefault", 1, 2));
  TROIKA_TRY(const Value* const found, find_key(runtime, self.dict(), given.positional[0]));
  if (found != nullptr) return *found;
  const Value* const fallback = given.find(1, "default");
  return set_entry(runtime, self.dict(), given.positional[0],
                   fallback != nullptr ? *fallback : Value(None{}));
}

Result<Value> update(Runtime& runtime, Self self, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "update", 0, 1));
  if (const Value* const other = given.find(0, "")) {
    if (!other->is(Kind::dict)) return runtime.fail("update() with {}", other->type_name());
    const std::vector<std::pair<Value, Value>> more = other->dict().entries;
    TROIKA_RETURN_IF_ERROR(runtime.reserve_items(2 * std::ssize(more)));
    for (const auto& [key, value] : more)
      TROIKA_RETURN_IF_ERROR(set_entry(runtime, self.dict(), key, value));
  }
  for (const auto& [key, value] : given.named)
    TROIKA_RETURN_IF_ERROR(set_entry(runtime, self.dict(), make_text(std::string(key)), value));
  return Value(None{});
}

Result<Value> pop_entry(Runtime& runtime, Self self, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "pop", 1, 2));
  TROIKA_TRY(const Value* const found, find_key(runtime, self.dict(), given.positional[0]));
  if (found == nullptr) {
    if (const Value* const fallback = given.find(1, "default")) return *fallback;
    return runtime.fail("pop() of a key that is not in the dict");
  }
  const Value value = *found;
  std::erase_if(self.dict().entries, [&](const auto& entry) { return &entry.second == found; });
  return value;
}

Result<Value> copy_dict(Runtime& runtime, Self self, Given) {
  TROIKA_TRY(Dict* const copy, runtime.dict());
  TROIKA_RETURN_IF_ERROR(runtime.reserve_items(2 * std::ssize(self.dict().entries)));
  copy->entries = self.dict().entries;
  return Value(copy);
}

Result<Value> clear_dict(Runtime&, Self self, Given) {
  self.dict().entries.clear();
  return Value(None{});
}

constexpr Named kListMethods[] = {{"append", append}, {"clear", clear_list}, {"copy", copy_list},
                                  {"count", count},   {"extend", extend},    {"index", index},
                                  {"insert", insert}, {"pop", pop},          {"reverse", reverse}};
constexpr Named kDictMethods[] = {
    {"clear", clear_dict}, {"copy", copy_dict}, {"get", get},
    {"items", items},      {"keys", keys},      {"pop", pop_entry},
    {"update", update},    {"values", values},  {"setdefault", setdefault}};

}  // namespace

Method find_list_method(std::string_view name) {
  return find(kListMethods, name);
}

Method find_dict_method(std::string_view name) {
  return find(kDictMethods, name);
}

}  // namespace troika::jinja
