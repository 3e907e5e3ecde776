// Flags that every command shares which computes with a model.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "core/dtype.h"
#include "runtime/model_session.h"

namespace troika::cli {

/// Adds MODEL, which -m names too.
void add_model_flag(CLI::App& app, std::string& path);

/// Adds --kv-type.
void add_kv_type_flag(CLI::App& app, DType& dtype);

/// Adds MODEL, --device, --threads, --isa, --kv-type and --chunk.
void add_model_flags(CLI::App& app, ModelSetup& flags);

}  // namespace troika::cli
