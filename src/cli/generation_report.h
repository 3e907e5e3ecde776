// What a generation took: as lines for people and as the object of --json.
#pragma once

#include <cstdint>
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

/// Some lines, each ending in a newline.
std::string summary_text(const Generation& generation, const RunFacts& facts);

/// One JSON object and a newline: text, tokens, prompt_tokens, finish, seed, timings, draft,
/// logits_xxh64; stop_string (its number) where one ended the text, logprobs where asked for.
std::string summary_json(const Generation& generation, const RunFacts& facts);

}  // namespace troika::cli
