// The makers of all families; each is defined in the file of its name. Errors: see make_model().
#pragma once

#include "core/result.h"
#include "gguf/file.h"
#include "model/model.h"

namespace troika {

Result<Model> make_llama(const gguf::File& file, const ModelOptions& options);
Result<Model> make_qwen2(const gguf::File& file, const ModelOptions& options);
Result<Model> make_qwen3(const gguf::File& file, const ModelOptions& options);
Result<Model> make_qwen3moe(const gguf::File& file, const ModelOptions& options);
Result<Model> make_qwen35(const gguf::File& file, const ModelOptions& options);
Result<Model> make_qwen35moe(const gguf::File& file, const ModelOptions& options);

}  // namespace troika
