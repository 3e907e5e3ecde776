// A flag whose value is one of a few names, each standing for a value.
#pragma once

#include <CLI/CLI.hpp>
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

}  // namespace troika::cli
