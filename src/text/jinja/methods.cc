#include "text/jinja/methods.h"

#include "text/jinja/operators.h"

namespace troika::jinja {
namespace {

using Self = const Value&;
using Given = const Arguments&;

Result<Value> cycle(Runtime& runtime, Self self, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "cycle", 1, 1 << 16));
  const auto index = static_cast<size_t>(self.loop().index);
  return given.positional[index % given.positional.size()];
}

Result<Value> changed(Runtime& runtime, Self self, Given given) {
  std::vector<Value>& last = self.loop().last_changed;
  bool same = last.size() == given.positional.size();
  for (size_t i = 0; same && i < last.size(); i++) {
    TROIKA_TRY(same, equals(runtime, last[i], given.positional[i]));
  }
  if (!same) last = given.positional;
  return Value::boolean(!same);
}

Method find_loop_method(std::string_view name) {
  if (name == "cycle") return cycle;
  return name == "changed" ? changed : nullptr;
}

Method find_method(const Value& value, std::string_view name) {
  switch (value.kind()) {
    case Kind::text:
      return find_text_method(name);
    case Kind::list:
      return find_list_method(name);
    case Kind::dict:
      return find_dict_method(name);
    case Kind::loop:
      return find_loop_method(name);
    default:
      return nullptr;
  }
}

}  // namespace

bool has_method(const Value& value, std::string_view name) {
  return find_method(value, name) != nullptr;
}

Result<Value> call_method(Runtime& runtime, const Function& method, const Arguments& arguments) {
  TROIKA_RETURN_IF_ERROR(runtime.step_through(method.self));
  for (const Value& argument : arguments.positional)
    TROIKA_RETURN_IF_ERROR(runtime.step_through(argument));
  return find_method(method.self, *method.name)(runtime, method.self, arguments);
}

}  // namespace troika::jinja
