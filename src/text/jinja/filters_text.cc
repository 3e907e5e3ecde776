// Filters of texts.
#include <algorithm>

#include "text/jinja/characters.h"
#include "text/jinja/filters.h"
#include "text/jinja/format.h"
#include "text/jinja/methods.h"
#include "text/jinja/print.h"

namespace troika::jinja {
namespace {

using Given = const Arguments&;

constexpr int64_t kWidthMax = 1000;

struct Named {
  std::string_view name;
  FilterFunction filter;
};

Result<Value> string(Runtime& runtime, const Value& value, Given) {
  return to_text(runtime, value);
}

template <std::string (*change)(std::string_view)>
Result<Value> changed(Runtime& runtime, const Value& value, Given) {
  TROIKA_TRY(const Value text, to_text(runtime, value));
  return runtime.text(change(text.text()));
}

Result<Value> trim(Runtime& runtime, const Value& value, Given given) {
  TROIKA_TRY(const Value text, to_text(runtime, value));
  const Value* const set = given.find(0, "chars");
  if (set == nullptr || set->is(Kind::none)) return runtime.text(std::string(strip(text.text())));
  TROIKA_TRY(const std::string_view characters, given.text(runtime, 0, "chars", ""));
  return runtime.text(std::string(strip(text.text(), characters, Side::both)));
}

Result<Value> replace(Runtime& runtime, const Value& value, Given given) {
  TROIKA_TRY(const Value text, to_text(runtime, value));
  return replace_text(runtime, text, given);
}

Result<Value> indent(Runtime& runtime, const Value& value, Given given) {
  TROIKA_TRY(const Value text, to_text(runtime, value));
  std::string indention(4, ' ');
  const Value* const width = given.find(0, "width");
  if (width != nullptr && width->is(Kind::text)) {
    indention = width->text();
  } else {
    TROIKA_TRY(const int64_t spaces, given.integer(runtime, 0, "width", 4));
    indention.assign(static_cast<size_t>(std::clamp<int64_t>(spaces, 0, kWidthMax)), ' ');
  }
  const bool blank = given.truth(2, "blank", false);
  std::string result = given.truth(1, "first", false) ? indention : "";
  // A newline at the end stays one because the lines are taken of the text and one more.
  const std::string source = text.text() + "\n";
  const std::vector<std::string_view> lines = split_lines(source);
  TROIKA_RETURN_IF_ERROR(
      runtime.check_text(std::ssize(source) + std::ssize(lines) * (1 + std::ssize(indention))));
  for (size_t i = 0; i < lines.size(); i++) {
    if (i > 0) result += '\n';
    if (i > 0 && (blank || !lines[i].empty())) result += indention;
    result += lines[i];
  }
  return runtime.text(std::move(result));
}

Result<Value> format(Runtime& runtime, const Value& value, Given given) {
  TROIKA_TRY(const Value text, to_text(runtime, value));
  TROIKA_TRY(const Value values, runtime.list(given.positional, true));
  return formatted_percent(runtime, text.text(), values);
}

Result<Value> wordcount(Runtime& runtime, const Value& value, Given) {
  TROIKA_TRY(const Value text, to_text(runtime, value));
  return Value::integer(count_words(text.text()));
}

/// Spaces on both sides; of an odd number the one more stands left where the width is odd.
Result<Value> center(Runtime& runtime, const Value& value, Given given) {
  TROIKA_TRY(const Value text, to_text(runtime, value));
  TROIKA_TRY(const int64_t wanted, given.integer(runtime, 0, "width", 80));
  const int64_t width = std::min(wanted, kWidthMax);
  const int64_t spaces = std::max<int64_t>(width - count_characters(text.text()), 0);
  const int64_t left = spaces / 2 + (spaces & width & 1);
  return runtime.text(std::string(static_cast<size_t>(left), ' ') + text.text() +
                      std::string(static_cast<size_t>(spaces - left), ' '));
}

constexpr Named kFilters[] = {{"capitalize", changed<capitalized>},
                              {"center", center},
                              {"format", format},
                              {"indent", indent},
                              {"lower", changed<to_lower>},
                              {"replace", replace},
                              {"string", string},
                              {"title", changed<titled_words>},
                              {"trim", trim},
                              {"upper", changed<to_upper>},
                              {"wordcount", wordcount}};

}  // namespace

FilterFunction find_text_filter(std::string_view name) {
  const auto found = std::ranges::find(kFilters, name, &Named::name);
  return found != std::end(kFilters) ? found->filter : nullptr;
}

}  // namespace troika::jinja
