// A Jinja template, as models bring them with them to say how a conversation becomes a prompt. Safe
// by construction: a template sees the variables that it is given and nothing else, and everything
// that it can multiply is limited (limits.h). It behaves as Python's Jinja2 3.1 does with
// trim_blocks and lstrip_blocks, as transformers sets it up: its tojson, raise_exception and
// strftime_now, loop controls, {% generation %}, and list methods that change the list.
#pragma once

#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/result.h"
#include "text/jinja/limits.h"

namespace troika::jinja {

struct ParsedTemplate;

/// Immutable; copies share it. Every method is safe from many threads at once.
class Template {
 public:
  /// Errors: corrupt — no template, by line; unsupported — it needs other templates.
  static Result<Template> parse(std::string_view source);

  /// What the template prints for `variables` (an object; a key is a variable). `now` is the local
  /// time that strftime_now() tells.
  /// Errors: invalid_argument — the template called raise_exception, and the message is what it
  /// said, without any addition; unsupported — it did what cannot be done with these variables, by
  /// line; exhausted — beyond `limits`.
  Result<std::string> render(const nlohmann::ordered_json& variables, const Limits& limits,
                             const std::tm& now) const;

 private:
  explicit Template(std::shared_ptr<const ParsedTemplate> parsed) : parsed_(std::move(parsed)) {}
  std::shared_ptr<const ParsedTemplate> parsed_;
};

}  // namespace troika::jinja
