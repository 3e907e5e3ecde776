// All that `troika inspect` tells about a file, as text and as JSON. Works on every file that
// opens: what this build cannot run is told as such.
#pragma once

#include <optional>
#include <string>

#include "core/result.h"
#include "gguf/file.h"
#include "model/model.h"
#include "runtime/memory_check.h"
#include "text/tokenizer.h"

namespace troika::cli {

/// What a file turned out to be. Each Result says why, where it could not be made.
struct Inspection {
  const gguf::File* file = nullptr;
  Result<Model> model = fail(ErrorCode::internal, "not looked at");
  Result<std::unique_ptr<Tokenizer>> tokenizer = fail(ErrorCode::internal, "not looked at");
  ContextSize context;               // that memory is summed for
  std::optional<MemoryPlan> memory;  // where there is a model
};

/// Lines for people.
std::string inspection_text(const Inspection& inspection);

/// One JSON object and a newline.
std::string inspection_json(const Inspection& inspection);

}  // namespace troika::cli
