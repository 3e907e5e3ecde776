// Flags of commands that write texts: the model's flags, the context and speculation.
#pragma once

#include <CLI/CLI.hpp>

#include "runtime/model_session.h"

namespace troika::cli {

/// Adds --draft-vocab; `draft_rows` as ModelOptions takes it.
void add_draft_vocab_flag(CLI::App& app, int64_t& draft_rows);

/// Adds the flags of the model, --ctx-size and those of speculation.
void add_session_flags(CLI::App& app, SessionOptions& options);

}  // namespace troika::cli
