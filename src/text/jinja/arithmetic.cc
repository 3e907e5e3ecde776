// The operators of operators.h that make new values.
#include <cmath>
#include <limits>

#include "text/jinja/format.h"
#include "text/jinja/markup.h"
#include "text/jinja/operators.h"

namespace troika::jinja {
namespace {

constexpr const char* kNames[] = {"+", "-", "*", "/", "//", "%", "**"};  // in the order of Operator

Error mismatch(const Runtime& runtime, Operator operation, const Value& left, const Value& right) {
  if (operation == Operator::add && left.is(Kind::text))
    return runtime.fail("can only concatenate str (not \"{}\") to str", right.type_name());
  return runtime.fail("'{}' between {} and {}", kNames[static_cast<int>(operation)],
                      left.type_name(), right.type_name());
}

Error too_large(const Runtime& runtime) {
  return runtime.fail("an integer of more than 64 bits");
}

Result<Value> integer_power(const Runtime& runtime, int64_t base, int64_t exponent) {
  if (exponent < 0)
    return Value::real(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  int64_t result = 1;
  // Bases beyond one overflow within 63 rounds; the others come round at once.
  if (base == 0 || base == 1) return Value::integer(exponent == 0 ? 1 : base);
  if (base == -1) return Value::integer(exponent % 2 == 0 ? 1 : -1);
  for (; exponent > 0; exponent--)
    if (__builtin_mul_overflow(result, base, &result)) return too_large(runtime);
  return Value::integer(result);
}

Result<Value> integers(const Runtime& runtime, Operator operation, int64_t left, int64_t right) {
  const bool divides = operation == Operator::divide || operation == Operator::floor_divide ||
                       operation == Operator::modulo;
  if (divides && right == 0) return runtime.fail("division by zero");
  int64_t result = 0;
  switch (operation) {
    case Operator::add:
      if (__builtin_add_overflow(left, right, &result)) return too_large(runtime);
      return Value::integer(result);
    case Operator::subtract:
      if (__builtin_sub_overflow(left, right, &result)) return too_large(runtime);
      return Value::integer(result);
    case Operator::multiply:
      if (__builtin_mul_overflow(left, right, &result)) return too_large(runtime);
      return Value::integer(result);
    case Operator::divide:
      return Value::real(static_cast<double>(left) / static_cast<double>(right));
    case Operator::floor_divide:
    case Operator::modulo: {
      // The quotient is rounded down, the remainder has the sign of the divisor.
      if (right == -1 && left == std::numeric_limits<int64_t>::min()) return too_large(runtime);
      const bool down = left % right != 0 && (left < 0) != (right < 0);
      if (operation == Operator::floor_divide) return Value::integer(left / right - (down ? 1 : 0));
      return Value::integer(left % right + (down ? right : 0));
    }
    case Operator::power:
      break;
  }
  return integer_power(runtime, left, right);
}

Result<Value> reals(const Runtime& runtime, Operator operation, double left, double right) {
  const bool divides = operation == Operator::divide || operation == Operator::floor_divide ||
                       operation == Operator::modulo;
  if (divides && right == 0) return runtime.fail("division by zero");
  switch (operation) {
    case Operator::add:
      return Value::real(left + right);
    case Operator::subtract:
      return Value::real(left - right);
    case Operator::multiply:
      return Value::real(left * right);
    case Operator::divide:
      return Value::real(left / right);
    case Operator::floor_divide:
      return Value::real(std::floor(left / right));
    case Operator::modulo: {
      const double rest = std::fmod(left, right);
      return Value::real(rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest);
    }
    case Operator::power:
      break;
  }
  return Value::real(std::pow(left, right));
}

Result<Value> joined_lists(Runtime& runtime, const List& left, const List& right) {
  TROIKA_RETURN_IF_ERROR(runtime.step(1 + std::ssize(left.items) / 16));
  TROIKA_RETURN_IF_ERROR(runtime.reserve_items(std::ssize(left.items) + std::ssize(right.items)));
  std::vector<Value> items = left.items;
  items.insert(items.end(), right.items.begin(), right.items.end());
  return runtime.list(std::move(items), left.is_tuple);
}

Result<Value> joined_texts(Runtime& runtime, const Text& left, const Text& right) {
  TROIKA_RETURN_IF_ERROR(runtime.check_text(std::ssize(*left) + std::ssize(*right)));
  if (!is_markup(left) && !is_markup(right)) return runtime.text(*left + *right);
  const auto part = [](const Text& text) {
    return is_markup(text) ? *text : escaped_markup(*text);
  };
  std::string joined = part(left) + part(right);
  TROIKA_RETURN_IF_ERROR(runtime.check_text(std::ssize(joined)));
  TROIKA_RETURN_IF_ERROR(runtime.reserve(std::ssize(joined)));
  return Value(make_markup(std::move(joined)));
}

Result<Value> repeated(Runtime& runtime, const Value& value, int64_t count) {
  count = std::max<int64_t>(count, 0);
  const bool is_text = value.is(Kind::text);
  const int64_t size = is_text ? std::ssize(value.text()) : std::ssize(value.list().items);
  const int64_t unit = is_text ? 1 : int64_t{sizeof(Value)};
  int64_t bytes = 0;
  if (__builtin_mul_overflow(size * unit, count, &bytes))
    bytes = std::numeric_limits<int64_t>::max();
  TROIKA_RETURN_IF_ERROR(runtime.check_text(bytes));
  if (is_text) {
    std::string text;
    text.reserve(static_cast<size_t>(bytes));
    if (size > 0)
      for (int64_t i = 0; i < count; i++) text += value.text();
    return runtime.text(std::move(text));
  }
  TROIKA_RETURN_IF_ERROR(runtime.reserve(bytes));
  std::vector<Value> items;
  if (size > 0)
    for (int64_t i = 0; i < count; i++)
      items.insert(items.end(), value.list().items.begin(), value.list().items.end());
  return runtime.list(std::move(items), value.list().is_tuple);
}

}  // namespace

Result<Value> calculate(Runtime& runtime, Operator operation, const Value& left,
                        const Value& right) {
  TROIKA_RETURN_IF_ERROR(runtime.step());
  if (left.is(Kind::text) && operation == Operator::modulo)
    return formatted_percent(runtime, left.text(), right);
  if (left.is_undefined()) return runtime.undefined(left);
  if (right.is_undefined()) return runtime.undefined(right);
  if (left.is_integer() && right.is_integer())
    return integers(runtime, operation, left.to_integer(), right.to_integer());
  if (left.is_number() && right.is_number())
    return reals(runtime, operation, left.to_real(), right.to_real());
  if (operation == Operator::add) {
    if (left.is(Kind::text) && right.is(Kind::text))
      return joined_texts(runtime, left.shared_text(), right.shared_text());
    if (left.is(Kind::list) && right.is(Kind::list) &&
        left.list().is_tuple == right.list().is_tuple)
      return joined_lists(runtime, left.list(), right.list());
  }
  const auto repeats = [](const Value& value) {
    return value.is(Kind::text) || value.is(Kind::list);
  };
  if (operation == Operator::multiply && repeats(left) && right.is_integer())
    return repeated(runtime, left, right.to_integer());
  if (operation == Operator::multiply && repeats(right) && left.is_integer())
    return repeated(runtime, right, left.to_integer());
  return mismatch(runtime, operation, left, right);
}

Result<Value> apply_sign(Runtime& runtime, char sign, const Value& value) {
  if (value.is_undefined()) return runtime.undefined(value);
  if (value.is_integer()) {
    if (sign == '+') return Value::integer(value.to_integer());
    return integers(runtime, Operator::subtract, 0, value.to_integer());
  }
  if (value.is(Kind::real)) return Value::real(sign == '-' ? -value.real() : value.real());
  return runtime.fail("'{}' before {}, wanted a number", sign, value.type_name());
}

}  // namespace troika::jinja
