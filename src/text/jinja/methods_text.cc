// Methods of strings.
#include <algorithm>
#include <span>

#include "text/jinja/characters.h"
#include "text/jinja/format.h"
#include "text/jinja/methods.h"
#include "text/jinja/operators.h"
#include "text/jinja/print.h"

namespace troika::jinja {
namespace {

using Self = const Value&;
using Given = const Arguments&;

struct Named {
  std::string_view name;
  Method method;
};

Result<Value> text_list(Runtime& runtime, const std::vector<std::string_view>& parts,
                        bool is_tuple = false) {
  TROIKA_RETURN_IF_ERROR(runtime.step(1 + std::ssize(parts) / 4));
  std::vector<Value> items;
  for (const std::string_view part : parts) {
    TROIKA_TRY(Value item, runtime.text(std::string(part)));
    items.push_back(std::move(item));
  }
  return runtime.list(std::move(items), is_tuple);
}

/// Counts steps for a search from the right, in which each byte may be held against each.
Status step_back(Runtime& runtime, std::string_view text, std::string_view part) {
  return runtime.step(std::ssize(text) / 64 * (1 + std::ssize(part) / 64));
}

template <Side side>
Result<Value> strip_side(Runtime& runtime, Self self, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "strip", 0, 1));
  const Value* const set = given.find(0, "");
  if (set == nullptr || set->is(Kind::none))
    return runtime.text(std::string(strip(self.text(), side)));
  TROIKA_TRY(const std::string_view characters, given.text(runtime, 0, "chars", ""));
  return runtime.text(std::string(strip(self.text(), characters, side)));
}

Result<Value> split_from(Runtime& runtime, Self self, Given given, bool from_right) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "split", 0, 2));
  TROIKA_TRY(const int64_t splits, given.integer(runtime, 1, "maxsplit", -1));
  const Value* const separator = given.find(0, "sep");
  if (separator == nullptr || separator->is(Kind::none)) {
    // From the right without a separator is as rare as it is long to write.
    if (from_right && splits >= 0) return runtime.fail("rsplit() at spaces with a count");
    return text_list(runtime, split_at_spaces(self.text(), splits));
  }
  TROIKA_TRY(const std::string_view text, given.text(runtime, 0, "sep", ""));
  if (text.empty()) return runtime.fail("split() at an empty separator");
  TROIKA_RETURN_IF_ERROR(runtime.reserve_items(count_of(self.text(), text)));
  TROIKA_RETURN_IF_ERROR(from_right ? step_back(runtime, self.text(), text) : ok());
  return text_list(runtime, from_right ? split_right(self.text(), text, splits)
                                       : split(self.text(), text, splits));
}

Result<Value> split_left_to_right(Runtime& runtime, Self self, Given given) {
  return split_from(runtime, self, given, false);
}

Result<Value> split_right_to_left(Runtime& runtime, Self self, Given given) {
  return split_from(runtime, self, given, true);
}

Result<Value> splitlines(Runtime& runtime, Self self, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "splitlines", 0, 0));
  return text_list(runtime, split_lines(self.text()));
}

template <bool from_right>
Result<Value> partition(Runtime& runtime, Self self, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "partition", 1, 1));
  TROIKA_TRY(const std::string_view at, given.text(runtime, 0, "sep", ""));
  if (at.empty()) return runtime.fail("partition() at an empty separator");
  const std::string_view text = self.text();
  TROIKA_RETURN_IF_ERROR(from_right ? step_back(runtime, text, at) : ok());
  const size_t found = from_right ? text.rfind(at) : find_part(text, at);
  if (found == std::string_view::npos)
    return text_list(runtime, {from_right ? "" : text, "", from_right ? text : ""}, true);
  return text_list(runtime, {text.substr(0, found), at, text.substr(found + at.size())}, true);
}

template <bool at_start>
Result<Value> has_affix(Runtime& runtime, Self self, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, at_start ? "startswith" : "endswith", 1, 1));
  const auto has = [&](const Value& affix) {
    return affix.is(Kind::text) &&
           (at_start ? self.text().starts_with(affix.text()) : self.text().ends_with(affix.text()));
  };
  const Value& affix = given.positional[0];
  if (affix.is_undefined()) return runtime.undefined(affix);
  if (affix.is(Kind::list) && affix.list().is_tuple)
    return Value::boolean(std::ranges::any_of(affix.list().items, has));
  if (!affix.is(Kind::text))
    return runtime.fail("{} of {}, wanted str", at_start ? "startswith" : "endswith",
                        affix.type_name());
  return Value::boolean(has(affix));
}

template <bool at_start>
Result<Value> without_affix(Runtime& runtime, Self self, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "removeprefix", 1, 1));
  TROIKA_TRY(const std::string_view affix, given.text(runtime, 0, "affix", ""));
  const std::string_view text = self.text();
  if (at_start && text.starts_with(affix))
    return runtime.text(std::string(text.substr(affix.size())));
  if (!at_start && text.ends_with(affix))
    return runtime.text(std::string(text.substr(0, text.size() - affix.size())));
  return self;
}

Result<Value> replace(Runtime& runtime, Self self, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "replace", 2, 3));
  return replace_text(runtime, self, given);
}

Result<Value> lower(Runtime& runtime, Self self, Given) {
  return runtime.text(to_lower(self.text()));
}

Result<Value> upper(Runtime& runtime, Self self, Given) {
  return runtime.text(to_upper(self.text()));
}

Result<Value> title(Runtime& runtime, Self self, Given) {
  return runtime.text(titled(self.text()));
}

Result<Value> capitalize(Runtime& runtime, Self self, Given) {
  return runtime.text(capitalized(self.text()));
}

/// Where `part` is, in characters; -1: nowhere.
Result<int64_t> position(Runtime& runtime, Self self, Given given, bool last) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "find", 1, 1));
  TROIKA_TRY(const std::string_view part, given.text(runtime, 0, "sub", ""));
  const std::string_view text = self.text();
  TROIKA_RETURN_IF_ERROR(last ? step_back(runtime, text, part) : ok());
  const size_t at = last ? text.rfind(part) : find_part(text, part);
  if (at == std::string_view::npos) return int64_t{-1};
  return count_characters(text.substr(0, at));
}

template <bool last>
Result<Value> find_of(Runtime& runtime, Self self, Given given) {
  TROIKA_TRY(const int64_t at, position(runtime, self, given, last));
  return Value::integer(at);
}

Result<Value> index(Runtime& runtime, Self self, Given given) {
  TROIKA_TRY(const int64_t at, position(runtime, self, given, false));
  if (at < 0) return runtime.fail("index() of what is not in the string");
  return Value::integer(at);
}

Result<Value> count(Runtime& runtime, Self self, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "count", 1, 1));
  TROIKA_TRY(const std::string_view part, given.text(runtime, 0, "sub", ""));
  if (part.empty()) return Value::integer(count_characters(self.text()) + 1);
  return Value::integer(count_of(self.text(), part));
}

Result<Value> join(Runtime& runtime, Self self, Given given) {
  TROIKA_RETURN_IF_ERROR(given.check_count(runtime, "join", 1, 1));
  TROIKA_TRY(const std::vector<Value> items, iterate(runtime, given.positional[0]));
  std::string text;
  for (size_t i = 0; i < items.size(); i++) {
    if (!items[i].is(Kind::text))
      return runtime.fail("join() of {}, wanted str", items[i].type_name());
    if (i > 0) text += self.text();
    text += items[i].text();
    TROIKA_RETURN_IF_ERROR(runtime.check_text(std::ssize(text)));
  }
  return runtime.text(std::move(text));
}

Result<Value> format(Runtime& runtime, Self self, Given given) {
  return formatted_braces(runtime, self.text(), given);
}

template <bool (*is_so)(uint32_t)>
Result<Value> all_are(Runtime&, Self self, Given) {
  return Value::boolean(all_characters(self.text(), is_so));
}

bool is_letter_or_digit(uint32_t code) {
  return is_letter(code) || is_decimal_digit(code);
}

Result<Value> islower(Runtime&, Self self, Given) {
  return Value::boolean(is_lower(self.text()));
}

Result<Value> isupper(Runtime&, Self self, Given) {
  return Value::boolean(is_upper(self.text()));
}

constexpr Named kMethods[] = {{"capitalize", capitalize},
                              {"count", count},
                              {"endswith", has_affix<false>},
                              {"find", find_of<false>},
                              {"format", format},
                              {"index", index},
                              {"isalnum", all_are<is_letter_or_digit>},
                              {"isalpha", all_are<is_letter>},
                              {"isdecimal", all_are<is_decimal_digit>},
                              {"isdigit", all_are<is_decimal_digit>},
                              {"islower", islower},
                              {"isnumeric", all_are<is_decimal_digit>},
                              {"isspace", all_are<is_space>},
                              {"isupper", isupper},
                              {"join", join},
                              {"lower", lower},
                              {"lstrip", strip_side<Side::left>},
                              {"partition", partition<false>},
                              {"removeprefix", without_affix<true>},
                              {"removesuffix", without_affix<false>},
                              {"replace", replace},
                              {"rfind", find_of<true>},
                              {"rpartition", partition<true>},
                              {"rsplit", split_right_to_left},
                              {"rstrip", strip_side<Side::right>},
                              {"split", split_left_to_right},
                              {"splitlines", splitlines},
                              {"startswith", has_affix<true>},
                              {"strip", strip_side<Side::both>},
                              {"title", title},
                              {"upper", upper}};

}  // namespace

Method find_text_method(std::string_view name) {
  const auto found = std::ranges::find(kMethods, name, &Named::name);
  return found != std::end(kMethods) ? found->method : nullptr;
}

Result<Value> replace_text(Runtime& runtime, const Value& text, const Arguments& arguments) {
  TROIKA_TRY(const std::string_view old, arguments.text(runtime, 0, "old", ""));
  TROIKA_TRY(const std::string_view by, arguments.text(runtime, 1, "new", ""));
  TROIKA_TRY(const int64_t count, arguments.integer(runtime, 2, "count", -1));
  if (old.empty()) return runtime.fail("replace() of an empty string");
  const std::string& bytes = text.text();
  TROIKA_RETURN_IF_ERROR(runtime.step(1 + std::ssize(bytes) / 256));
  const int64_t growth = std::max<int64_t>(std::ssize(by) - std::ssize(old), 0);
  if (growth > 0)
    TROIKA_RETURN_IF_ERROR(runtime.check_text(std::ssize(bytes) + growth * count_of(bytes, old)));
  return runtime.text(replaced(bytes, old, by, count));
}

}  // namespace troika::jinja
