#include "text/jinja/conditions.h"

#include <algorithm>

#include "core/printable.h"
#include "text/jinja/characters.h"
#include "text/jinja/filters.h"
#include "text/jinja/operators.h"
#include "text/jinja/print.h"

namespace troika::jinja {
namespace {

/// Tests of the value alone.
struct Plain {
  std::string_view name;
  bool (*holds)(const Value& value);
};

bool is_iterable(const Value& value) {
  return value.is(Kind::text) || value.is(Kind::list) || value.is(Kind::dict) ||
         value.is(Kind::loop) || value.is_undefined();  // which Python goes through as nothing
}

constexpr Plain kPlain[] = {
    {"boolean", [](const Value& v) { return v.is(Kind::boolean); }},
    {"callable", [](const Value& v) { return v.is(Kind::function) || v.is_undefined(); }},
    {"defined", [](const Value& v) { return !v.is_undefined(); }},
    {"escaped", [](const Value&) { return false; }},
    {"false", [](const Value& v) { return v.is(Kind::boolean) && !v.boolean(); }},
    {"float", [](const Value& v) { return v.is(Kind::real); }},
    {"integer", [](const Value& v) { return v.is(Kind::integer); }},
    {"iterable", is_iterable},
    {"mapping", [](const Value& v) { return v.is(Kind::dict); }},
    {"none", [](const Value& v) { return v.is(Kind::none); }},
    {"number", [](const Value& v) { return v.is_number(); }},
    {"sequence", [](const Value& v) { return is_iterable(v) && !v.is(Kind::loop); }},
    {"string", [](const Value& v) { return v.is(Kind::text); }},
    {"true", [](const Value& v) { return v.is(Kind::boolean) && v.boolean(); }},
    {"undefined", [](const Value& v) { return v.is_undefined(); }}};

struct Relation {
  std::string_view name;
  Comparison comparison;
};

constexpr Relation kRelations[] = {{"==", Comparison::equal},
                                   {"eq", Comparison::equal},
                                   {"equalto", Comparison::equal},
                                   {"!=", Comparison::unequal},
                                   {"ne", Comparison::unequal},
                                   {"<", Comparison::less},
                                   {"lt", Comparison::less},
                                   {"lessthan", Comparison::less},
                                   {"<=", Comparison::less_equal},
                                   {"le", Comparison::less_equal},
                                   {">", Comparison::greater},
                                   {"gt", Comparison::greater},
                                   {"greaterthan", Comparison::greater},
                                   {">=", Comparison::greater_equal},
                                   {"ge", Comparison::greater_equal},
                                   {"in", Comparison::in}};

Result<bool> check_divisible(Runtime& runtime, const Value& value, const Value& by) {
  TROIKA_TRY(const Value rest, calculate(runtime, Operator::modulo, value, by));
  return rest.is_number() && rest.to_real() == 0;
}

Result<bool> check_parity(Runtime& runtime, const Value& value, bool odd) {
  TROIKA_TRY(const Value rest, calculate(runtime, Operator::modulo, value, Value::integer(2)));
  return rest.is_number() && rest.to_real() == (odd ? 1 : 0);  // a fraction is neither
}

/// Tests that work on the value. Nothing: there is no such test.
Result<std::optional<bool>> check_work(Runtime& runtime, std::string_view name, const Value& value,
                                       const Arguments& arguments) {
  if (name == "odd" || name == "even") {
    TROIKA_TRY(const bool holds, check_parity(runtime, value, name == "odd"));
    return std::optional(holds);
  }
  if (name == "lower" || name == "upper") {
    TROIKA_TRY(const Value text, to_text(runtime, value));
    return std::optional(name == "lower" ? is_lower(text.text()) : is_upper(text.text()));
  }
  if (name == "filter" || name == "test")
    return std::optional(value.is(Kind::text) && name == "filter" && has_filter(value.text()));
  const bool is_relation = name == "divisibleby" || name == "sameas";
  if (!is_relation) return std::optional<bool>();
  TROIKA_RETURN_IF_ERROR(arguments.check_count(runtime, name, 1, 1));
  if (name == "sameas") return std::optional(value.same(arguments.positional[0]));
  TROIKA_TRY(const bool divides, check_divisible(runtime, value, arguments.positional[0]));
  return std::optional(divides);
}

}  // namespace

Result<bool> check_condition(Runtime& runtime, std::string_view name, const Value& value,
                             const Arguments& arguments) {
  TROIKA_RETURN_IF_ERROR(runtime.step());
  const auto plain = std::ranges::find(kPlain, name, &Plain::name);
  if (plain != std::end(kPlain)) return plain->holds(value);
  TROIKA_RETURN_IF_ERROR(runtime.step_through(value));
  const auto relation = std::ranges::find(kRelations, name, &Relation::name);
  if (relation != std::end(kRelations)) {
    TROIKA_RETURN_IF_ERROR(arguments.check_count(runtime, name, 1, 1));
    return compare(runtime, relation->comparison, value, arguments.positional[0]);
  }
  TROIKA_TRY(const std::optional<bool> result, check_work(runtime, name, value, arguments));
  if (!result) return runtime.fail("no test '{}'", printable(name, 40));
  return *result;
}

}  // namespace troika::jinja
