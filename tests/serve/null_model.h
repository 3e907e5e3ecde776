// The model that ships on a device that computes nothing, as a server loads it: answers come at
// once, and each is a function of its text.
#pragma once

#include <memory>
#include <string>

#include "device/null/null_device.h"
#include "runtime/model_session.h"
#include "serve/api/served_model.h"
#include "support/models.h"

namespace troika::testing {

struct NullModel {
  std::unique_ptr<NullDevice> device;
  OpenModel model;
  std::unique_ptr<Tokenizer> tokenizer;
};

/// @param sequences  at the same time.
inline Result<serve::ModelParts> load_null_model(int64_t sequences) {
  auto owner = std::make_shared<NullModel>();
  owner->device = make_null_device({.tokens = 256});
  owner->model = open_model(
      std::filesystem::path(TROIKA_SOURCE_DIR) / "models" / "troika-demo.gguf", *owner->device);
  const gguf::Metadata& metadata = owner->model.file->metadata();
  TROIKA_TRY(owner->tokenizer, Tokenizer::load(metadata));
  TROIKA_TRY(ChatTemplate chat, ChatTemplate::load(metadata, *owner->tokenizer));
  TokenRules rules =
      token_rules(*owner->tokenizer, true, output_markers(*owner->tokenizer, chat.source()));
  serve::ModelParts parts{.tokenizer = owner->tokenizer.get(),
                          .metadata = &metadata,
                          .info = owner->model.loaded.model.info,
                          .context = 512,
                          .chat = std::move(chat)};
  TROIKA_TRY(
      parts.engine,
      Engine::make(owner->model.loaded,
                   {.context = 512, .sequences_max = sequences, .chunk_tokens = 512}, rules));
  parts.owner = std::move(owner);
  return parts;
}

}  // namespace troika::testing
