// Flags that take one of a few names, or an integer in a range.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troika::cli {

template <typename T>
struct Choice {
  std::string_view name;
  T value;
};

/// Adds `flag`; one of `choices` goes into `target`, whose value at this moment is the default that
/// help shows.
template <typename T>
CLI::Option* add_choice(CLI::App& app, const std::string& flag, T& target,
                        std::span<const Choice<T>> choices, const std::string& help) {
  std::vector<std::string> names;
  std::string standard;
  for (const Choice<T>& choice : choices) {
    names.emplace_back(choice.name);
    if (choice.value == target) standard = choice.name;
  }
  const auto take = [&target, choices](const std::string& name) {
    for (const Choice<T>& choice : choices)
      if (choice.name == name) target = choice.value;
  };
  return app.add_option_function<std::string>(flag, take, help)
      ->check(CLI::IsMember(names))
      ->default_str(standard);
}

/// For check(): takes decimal integers of `min` to `max`. CLI::Range would put the bounds into the
/// help of every flag, however large.
inline auto between(int64_t min, int64_t max) {
  return [min, max](const std::string& text) -> std::string {
    int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end) return text + " is no integer of 64 bits";
    if (value >= min && value <= max) return "";
    if (max == INT64_MAX) return fmt::format("{} is less than {}", value, min);
    return fmt::format("{} is not in {} to {}", value, min, max);
  };
}

}  // namespace troika::cli
