// Flags of what an answer shall be, under the names that users of llama.cpp know.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace troika::cli {

/// How long an answer is and where it ends. The defaults are those of Request.
struct AnswerFlags {
  int64_t tokens_max = Request{}.tokens_max;
  int64_t tokens_min = Request{}.tokens_min;
  std::vector<std::string> stop;
};

/// Adds --predict, --min-tokens and --stop.
void add_answer_flags(CLI::App& app, AnswerFlags& flags);

/// Errors: invalid_argument — a stop string that cannot be one, an answer that is to be longer than
/// it may be.
Status check_answer(const AnswerFlags& flags);

}  // namespace troika::cli
