#include "text/jinja/value.h"

#include <iterator>

namespace troika::jinja {
namespace {

struct KindNames {
  const char* type;
  const char* object;
};

// In the order of Kind.
constexpr KindNames kNames[] = {{"Undefined", "Undefined"},        {"NoneType", "None"},
                                {"bool", "bool object"},           {"int", "int object"},
                                {"float", "float object"},         {"str", "str object"},
                                {"list", "list object"},           {"dict", "dict object"},
                                {"Namespace", "namespace object"}, {"LoopContext", "loop object"},
                                {"function", "function object"}};

}  // namespace

Text make_text(std::string bytes) {
  return std::make_shared<const std::string>(std::move(bytes));
}

bool Value::truth() const {
  switch (kind()) {
    case Kind::undefined:
    case Kind::none:
      return false;
    case Kind::boolean:
      return boolean();
    case Kind::integer:
      return integer() != 0;
    case Kind::real:
      return real() != 0;
    case Kind::text:
      return !text().empty();
    case Kind::list:
      return !list().items.empty();
    case Kind::dict:
      return !dict().entries.empty();
    case Kind::space:
    case Kind::loop:
    case Kind::function:
      break;
  }
  return true;
}

const char* Value::type_name() const {
  if (is(Kind::list) && list().is_tuple) return "tuple";
  return kNames[data_.index()].type;
}

const char* Value::object_name() const {
  if (is(Kind::list) && list().is_tuple) return "tuple object";
  return kNames[data_.index()].object;
}

bool Value::same(const Value& other) const {
  if (kind() != other.kind()) return false;
  switch (kind()) {
    case Kind::undefined:
    case Kind::none:
      return true;
    case Kind::text:
      return text() == other.text();
    case Kind::boolean:
      return boolean() == other.boolean();
    case Kind::integer:
      return integer() == other.integer();
    case Kind::real:
      return real() == other.real();
    case Kind::list:
      return &list() == &other.list();
    case Kind::dict:
      return &dict() == &other.dict();
    case Kind::space:
      return &space() == &other.space();
    case Kind::loop:
      return &loop() == &other.loop();
    case Kind::function:
      break;
  }
  return &function() == &other.function();
}

Value* Dict::find(std::string_view key) {
  for (auto& [name, value] : entries)
    if (name.is(Kind::text) && name.text() == key) return &value;
  return nullptr;
}

void Scope::set(std::string_view name, Value value) {
  for (auto& [known, old] : variables)
    if (known == name) {
      old = std::move(value);
      return;
    }
  variables.emplace_back(name, std::move(value));
}

const Value* Scope::find(std::string_view name) const {
  for (const Scope* scope = this; scope != nullptr; scope = scope->parent)
    for (const auto& [known, value] : scope->variables)
      if (known == name) return &value;
  return nullptr;
}

}  // namespace troika::jinja
