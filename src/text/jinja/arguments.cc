#include "text/jinja/arguments.h"

namespace troika::jinja {

const Value* Arguments::find(int position, std::string_view name) const {
  if (position >= 0 && position < std::ssize(positional))
    return &positional[static_cast<size_t>(position)];
  for (const auto& [known, value] : named)
    if (known == name) return &value;
  return nullptr;
}

bool Arguments::truth(int position, std::string_view name, bool fallback) const {
  const Value* const value = find(position, name);
  return value != nullptr ? value->truth() : fallback;
}

Result<int64_t> Arguments::integer(const Runtime& runtime, int position, std::string_view name,
                                   int64_t fallback) const {
  const Value* const value = find(position, name);
  if (value == nullptr || value->is(Kind::none)) return fallback;
  if (!value->is_integer())
    return runtime.fail("argument '{}' is {}, wanted an integer", name, value->type_name());
  return value->to_integer();
}

Result<std::string_view> Arguments::text(const Runtime& runtime, int position,
                                         std::string_view name, std::string_view fallback) const {
  const Value* const value = find(position, name);
  if (value == nullptr || value->is(Kind::none)) return fallback;
  if (!value->is(Kind::text))
    return runtime.fail("argument '{}' is {}, wanted str", name, value->type_name());
  return std::string_view(value->text());
}

Status Arguments::check_count(const Runtime& runtime, std::string_view callee, int least,
                              int most) const {
  const int64_t count = std::ssize(positional);
  if (count >= least && count <= most) return ok();
  return runtime.fail("{} arguments of '{}', wanted {} to {}", count, callee, least, most);
}

}  // namespace troika::jinja
