// What a generation took: as lines for people and as the object of --json.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cli/generation.h"
#include "engine/memory_plan.h"

namespace troika::cli {

/// Everything that a report tells beside the answer itself.
struct RunFacts {
  double load_ms = 0;
  uint64_t seed = 0;
  bool sampled = false;  // the seed had a say
  bool drafts = false;   // somebody could draft
  MemoryPlan memory;
  int64_t device_bytes = 0;        // states and step buffers
  std::string device;              // its name
  std::vector<std::string> notes;  // a line each
};

/// Some lines about all `texts` of a prompt together, one at least; each ends in a newline.
std::string summary_text(std::span<const Generation> texts, const RunFacts& facts);

/// Several texts, each behind a line that numbers it.
std::string choices_text(std::span<const Generation> texts);

/// One JSON object and a newline: text, tokens, finish, logits_xxh64 of the first of `texts`, its
/// stop_string (the number) where one ended it, its logprobs where asked for; prompt_tokens, seed,
/// timings and draft of all together. Where there are more, choices: an array of the texts.
std::string summary_json(std::span<const Generation> texts, const RunFacts& facts);

}  // namespace troika::cli
