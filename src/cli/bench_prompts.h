// The prompts that drafts are measured on, by class: how well a text can be drafted depends on what
// it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace troika::cli {

struct BenchPrompt {
  std::string text;
  bool raw = false;  // the whole conversation with its markers, not one turn of a user
};

struct PromptClass {
  std::string name;
  std::vector<BenchPrompt> prompts;
};

/// Reads an array of objects: "class", and "user" (one turn) or "prompt" (raw, which wins); other
/// members are passed over. Classes come in the order of their first prompt. `name` opens messages.
/// Errors: corrupt — no such array, with the place; more than kBenchPromptsMax prompts.
Result<std::vector<PromptClass>> parse_bench_prompts(std::string_view json, std::string_view name);

inline constexpr size_t kBenchPromptsMax = 10000;

}  // namespace troika::cli
