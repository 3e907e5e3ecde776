// The table of all filters, and those that are of neither texts nor lists.
#include "text/jinja/filters.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/printable.h"
#include "text/jinja/characters.h"
#include "text/jinja/json.h"
#include "text/jinja/markup.h"
#include "text/jinja/methods.h"
#include "text/jinja/print.h"
#include "text/jinja/subscript.h"

namespace troika::jinja {
namespace {

using Given = const Arguments&;

constexpr int64_t kIndentMax = 64;
constexpr int64_t kPrecisionMax = 30;

struct Named {
  std::string_view name;
  FilterFunction filter;
};

Result<Value> escape(Runtime& runtime, const Value& value, Given) {
  TROIKA_TRY(const Value text, to_text(runtime, value));
  if (is_markup(text.shared_text())) return text;
  TROIKA_RETURN_IF_ERROR(runtime.check_text(6 * std::ssize(text.text())));
  std::string escaped = escaped_markup(text.text());
  TROIKA_RETURN_IF_ERROR(runtime.reserve(std::ssize(escaped)));
  return Value(make_markup(std::move(escaped)));
}

Result<Value> safe(Runtime& runtime, const Value& value, Given) {
  TROIKA_TRY(const Value text, to_text(runtime, value));
  TROIKA_RETURN_IF_ERROR(runtime.reserve(std::ssize(text.text())));
  return Value(make_markup(text.text()));
}

Result<Value> default_value(Runtime& runtime, const Value& value, Given given) {
  const bool missing = value.is_undefined() || (given.truth(1, "boolean", false) && !value.truth());
  if (!missing) return value;
  const Value* const fallback = given.find(0, "default_value");
  return fallback != nullptr ? Result<Value>(*fallback) : runtime.text("");
}

Result<Value> length(Runtime& runtime, const Value& value, Given) {
  switch (value.kind()) {
    case Kind::undefined:
    case Kind::text:
    case Kind::list:
    case Kind::dict:
    case Kind::loop:
      return Value::integer(length_of(value));
    default:
      return runtime.fail("length of {}", value.type_name());
  }
}

Result<Value> tojson(Runtime& runtime, const Value& value, Given given) {
  JsonStyle style{.ascii = given.truth(0, "ensure_ascii", false),
                  .sorted = given.truth(3, "sort_keys", false)};
  if (const Value* const indent = given.find(1, "indent"); indent && !indent->is(Kind::none)) {
    TROIKA_TRY(const int64_t spaces, given.integer(runtime, 1, "indent", 0));
    style.indent = std::clamp<int64_t>(spaces, 0, kIndentMax);
    style.item_separator.assign(1, ',');  // what Python ends lines with
  }
  const Value* const separators = given.find(2, "separators");
  if (separators != nullptr && !separators->is(Kind::none)) {
    const bool is_pair = separators->is(Kind::list) && separators->list().items.size() == 2 &&
                         separators->list().items[0].is(Kind::text) &&
                         separators->list().items[1].is(Kind::text);
    if (!is_pair) return runtime.fail("tojson: separators are no pair of str");
    style.item_separator = separators->list().items[0].text();
    style.key_separator = separators->list().items[1].text();
  }
  return to_json(runtime, value, style);
}

Result<Value> fromjson(Runtime& runtime, const Value& value, Given) {
  if (!value.is(Kind::text)) return runtime.fail("from_json of {}, wanted str", value.type_name());
  return parse_json(runtime, value.text());
}

/// The number that `text` spells, of the class that it spells; undefined if it spells none.
Value read_number(std::string_view text) {
  text = strip(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  int64_t integer = 0;
  const auto whole = std::from_chars(text.data(), end, integer);
  if (whole.ec == std::errc() && whole.ptr == end) return Value::integer(integer);
  double real = 0;
  const auto read = std::from_chars(text.data(), end, real);
  if (read.ec == std::errc() && read.ptr == end) return Value::real(real);
  return {};
}

Result<Value> to_integer(Runtime& runtime, const Value& value, Given given) {
  const Value* const fallback = given.find(0, "default");
  const Value otherwise = fallback != nullptr ? *fallback : Value::integer(0);
  TROIKA_TRY(const int64_t base, given.integer(runtime, 1, "base", 10));
  if (value.is(Kind::text) && base != 10 && base >= 2 && base <= 36) {
    std::string_view digits = strip(value.text());
    if (digits.starts_with("0x") || digits.starts_with("0b") || digits.starts_with("0o"))
      digits.remove_prefix(2);
    int64_t integer = 0;
    const char* const end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, integer, static_cast<int>(base));
    return read.ec == std::errc() && read.ptr == end ? Value::integer(integer) : otherwise;
  }
  if (value.is_undefined()) return runtime.undefined(value);
  const Value number = value.is(Kind::text) ? read_number(value.text()) : value;
  if (number.is_integer()) return Value::integer(number.to_integer());
  if (number.is(Kind::real) && std::abs(number.real()) < 9e18)
    return Value::integer(static_cast<int64_t>(number.real()));
  return otherwise;
}

Result<Value> to_real(Runtime& runtime, const Value& value, Given given) {
  if (value.is_undefined()) return runtime.undefined(value);
  const Value number = value.is(Kind::text) ? read_number(value.text()) : value;
  if (number.is_number()) return Value::real(number.to_real());
  const Value* const fallback = given.find(0, "default");
  return fallback != nullptr ? *fallback : Value::real(0);
}

Result<Value> absolute(Runtime& runtime, const Value& value, Given) {
  if (value.is(Kind::real)) return Value::real(std::abs(value.real()));
  if (!value.is_integer() || value.to_integer() == INT64_MIN)
    return runtime.fail("abs of {}, wanted a number", value.type_name());
  return Value::integer(std::abs(value.to_integer()));
}

/// As Python's round(): whole numbers stay whole, halves go to even, and what counts is the decimal
/// that the binary number stands for.
Value rounded(const Value& value, int64_t precision) {
  if (value.is_integer() && precision >= 0) return Value::integer(value.to_integer());
  if (precision >= 0) {
    const std::string digits = fmt::format("{:.{}f}", value.real(), precision);
    double real = value.real();
    std::from_chars(digits.data(), digits.data() + digits.size(), real);
    return Value::real(real);
  }
  const double scale = std::pow(10.0, static_cast<double>(-precision));
  const double real = std::nearbyint(value.to_real() / scale) * scale;
  return value.is_integer() && std::abs(real) < 9e18 ? Value::integer(static_cast<int64_t>(real))
                                                     : Value::real(real);
}

Result<Value> round_number(Runtime& runtime, const Value& value, Given given) {
  if (!value.is_number()) return runtime.fail("round of {}, wanted a number", value.type_name());
  TROIKA_TRY(const int64_t precision, given.integer(runtime, 0, "precision", 0));
  TROIKA_TRY(const std::string_view method, given.text(runtime, 1, "method", "common"));
  if (std::abs(precision) > kPrecisionMax) return runtime.fail("round to {} digits", precision);
  if (method == "common") return rounded(value, precision);
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = value.to_real() * scale;
  if (method == "ceil") return Value::real(std::ceil(scaled) / scale);
  if (method == "floor") return Value::real(std::floor(scaled) / scale);
  return runtime.fail("round: no method '{}'", printable(method, 40));
}

Result<Value> attribute(Runtime& runtime, const Value& value, Given given) {
  TROIKA_TRY(const std::string_view name, given.text(runtime, 0, "name", ""));
  return attribute_of(runtime, value, make_text(std::string(name)));
}

constexpr Named kFilters[] = {
    {"abs", absolute},          {"attr", attribute},    {"count", length},   {"d", default_value},
    {"default", default_value}, {"e", escape},          {"escape", escape},  {"float", to_real},
    {"from_json", fromjson},    {"fromjson", fromjson}, {"int", to_integer}, {"length", length},
    {"round", round_number},    {"safe", safe},         {"tojson", tojson}};

FilterFunction find_filter(std::string_view name) {
  const auto found = std::ranges::find(kFilters, name, &Named::name);
  if (found != std::end(kFilters)) return found->filter;
  if (const FilterFunction filter = find_text_filter(name)) return filter;
  if (const FilterFunction filter = find_list_filter(name)) return filter;
  return find_choice_filter(name);
}

}  // namespace

bool has_filter(std::string_view name) {
  return find_filter(name) != nullptr;
}

Result<Value> apply_filter(Runtime& runtime, std::string_view name, const Value& value,
                           const Arguments& arguments) {
  TROIKA_RETURN_IF_ERROR(runtime.step());
  TROIKA_RETURN_IF_ERROR(runtime.step_through(value));
  for (const Value& argument : arguments.positional)
    TROIKA_RETURN_IF_ERROR(runtime.step_through(argument));
  const FilterFunction filter = find_filter(name);
  if (filter == nullptr) return runtime.fail("no filter '{}'", printable(name, 40));
  return filter(runtime, value, arguments);
}

}  // namespace troika::jinja
