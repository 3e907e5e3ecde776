// From a file's architecture to the family that makes its model.
#pragma once

#include <string>

#include "core/result.h"
#include "gguf/file.h"
#include "model/model.h"

namespace troika {

/// Makes the model in `file`, which must stay open while the weights are imported.
/// Errors: unsupported — an unknown architecture (the message lists the known ones), a weight type
/// without decoder or a variant that the family does not have; not_found, corrupt — a key or tensor
/// is missing or ill-shaped.
Result<Model> make_model(const gguf::File& file, const ModelOptions& options);

}  // namespace troika
