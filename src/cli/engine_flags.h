// Flags of how texts share an engine: how many at a time, what is kept of earlier ones, how long a
// step may take. Under the names that users of llama.cpp and vLLM know.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>

#include "runtime/model_session.h"

namespace troika::cli {

/// Adds --cache-prompt and its opposite, --cache-ram, --ctx-checkpoints and
/// --checkpoint-every-n-tokens. The defaults are what `budget` holds now.
void add_cache_flags(CLI::App& app, CacheBudget& budget);

/// Adds --cache-disk and --cache-disk-mib; what is wrong with files there is noted on stderr.
void add_disk_cache_flags(CLI::App& app, CacheBudget& budget);

/// Adds --parallel. The default is what `sequences` holds now; 0 is shown as `automatic`.
void add_parallel_flag(CLI::App& app, int64_t& sequences, const std::string& automatic);

/// Adds --kv-cache-mib, --spill-mib and --step-ms-max, which matter where several texts are written
/// at a time.
void add_sharing_flags(CLI::App& app, SharingOptions& options);

}  // namespace troika::cli
