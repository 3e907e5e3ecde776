#include "text/jinja/functions.h"

#include <algorithm>

#include "text/jinja/format.h"
#include "text/jinja/operators.h"
#include "text/jinja/print.h"

namespace troika::jinja {
namespace {

using Given = const Arguments&;

constexpr int64_t kTimeFormatMax = 1000;  // bytes

struct Named {
  std::string_view name;
  Result<Value> (*call)(Runtime& runtime, Given given);
};

Result<Value> range(Runtime& runtime, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "range", 1, 3));
  const bool one = given.positional.size() == 1;
  TROIKA_TRY(const int64_t first, given.integer(runtime, 0, "start", 0));
  TROIKA_TRY(const int64_t second, given.integer(runtime, 1, "stop", 0));
  TROIKA_TRY(const int64_t step, given.integer(runtime, 2, "step", 1));
  const int64_t start = one ? 0 : first;
  const int64_t stop = one ? first : second;
  if (step == 0) return runtime.fail("range() in steps of 0");
  const double count =
      (static_cast<double>(stop) - static_cast<double>(start)) / static_cast<double>(step);
  if (count > static_cast<double>(kRangeMax))
    return Error(ErrorCode::exhausted, fmt::format("line {}: range() of more than {} numbers",
                                                   runtime.line(), kRangeMax));
  std::vector<Value> numbers;
  int64_t at = start;
  while (step > 0 ? at < stop : at > stop) {
    numbers.push_back(Value::integer(at));
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  return runtime.list(std::move(numbers));
}

/// The pairs of dict() and namespace(): those of a dict, then those by name.
Result<Dict> pairs(Runtime& runtime, Given given) {
  Dict dict;
  if (const Value* const base = given.find(0, "")) {
    if (!base->is(Kind::dict)) return runtime.fail("a dict of {}", base->type_name());
    dict = base->dict();
  }
  for (const auto& [name, value] : given.named) {
    if (Value* const known = dict.find(name))
      *known = value;
    else
      dict.entries.emplace_back(make_text(std::string(name)), value);
  }
  TROIKA_RETURN_IF_ERROR(runtime.reserve_items(2 * std::ssize(dict.entries)));
  return dict;
}

Result<Value> make_namespace(Runtime& runtime, Given given) {
  TROIKA_TRY(Dict variables, pairs(runtime, given));
  return runtime.space(std::move(variables));
}

Result<Value> make_dict(Runtime& runtime, Given given) {
  TROIKA_TRY(Dict* const dict, runtime.dict());
  TROIKA_TRY(*dict, pairs(runtime, given));
  return Value(dict);
}

Result<Value> raise_exception(Runtime& runtime, Given given) {
  std::string message;
  if (const Value* const what = given.find(0, "message"))
    TROIKA_RETURN_IF_ERROR(append_text(runtime, *what, message));
  return Error(ErrorCode::invalid_argument, message);
}

Result<Value> strftime_now(Runtime& runtime, Given given) {
  TROIKA_TRY(const std::string_view format, given.text(runtime, 0, "format", "%Y-%m-%d"));
  if (std::ssize(format) > kTimeFormatMax)
    return runtime.fail("a time format of {} bytes, at most {}", format.size(), kTimeFormatMax);
  return runtime.text(formatted_time(format, runtime.now()));
}

constexpr Named kFunctions[] = {{"dict", make_dict},
                                {"namespace", make_namespace},
                                {"raise_exception", raise_exception},
                                {"range", range},
                                {"strftime_now", strftime_now}};

}  // namespace

bool has_function(std::string_view name) {
  return std::ranges::find(kFunctions, name, &Named::name) != std::end(kFunctions);
}

Result<Value> call_function(Runtime& runtime, std::string_view name, const Arguments& arguments) {
  return std::ranges::find(kFunctions, name, &Named::name)->call(runtime, arguments);
}

}  // namespace troika::jinja
