// The model that ships on a device that computes nothing, as a server loads it: answers come at
// once, and each is a function of its text.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <thread>

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
/// @param run_ms  that a run of the trunk takes, asleep.
inline Result<serve::ModelParts> load_null_model(int64_t sequences, double run_ms = 0) {
  auto owner = std::make_shared<NullModel>();
  const auto sleep = [run_ms](const NullRun& run) {
    if (!run.draft && run_ms > 0)
      std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(run_ms));
    return 0.0;
  };
  owner->device = make_null_device({.tokens = 256, .run_ms = sleep});
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
