// Flags that every command shares which computes with a model.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "cli/device_factory.h"
#include "core/dtype.h"
#include "engine/engine.h"

namespace troika::cli {

/// Which model, on what device, and in which portions. The defaults are the engine's.
struct ModelFlags {
  std::string path;
  DeviceOptions device;
  DType kv_dtype = EngineOptions{}.kv_dtype;
  int64_t chunk_tokens = EngineOptions{}.chunk_tokens;
};

/// Adds MODEL, which -m names too.
void add_model_flag(CLI::App& app, std::string& path);

/// Adds --kv-type.
void add_kv_type_flag(CLI::App& app, DType& dtype);

/// Adds MODEL, --device, --threads, --isa, --kv-type and --chunk.
void add_model_flags(CLI::App& app, ModelFlags& flags);

}  // namespace troika::cli
