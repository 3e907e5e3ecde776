// The model that ships on a device that computes nothing, as a server loads it: answers come at
// once, and each is a function of its text.
#pragma once

#include <chrono>
#include <functional>
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

struct NullModelOptions {
  int64_t context = 512;
  int64_t chunk_tokens = 512;                  // of a prompt, in a step
  std::function<void(const NullRun&)> on_run;  // before each run of the device; may wait
};

/// @param sequences  at the same time.
inline Result<serve::ModelParts> load_null_model(int64_t sequences,
                                                 const NullModelOptions& options = {}) {
  auto owner = std::make_shared<NullModel>();
  NullOptions device{.tokens = 256};
  if (options.on_run)
    device.run_ms = [on_run = options.on_run](const NullRun& run) {
      on_run(run);
      return 0.0;
    };
  owner->device = make_null_device(device);
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
                          .context = options.context,
                          .chat = std::move(chat)};
  TROIKA_TRY(parts.engine, Engine::make(owner->model.loaded,
                                        {.context = options.context,
                                         .sequences_max = sequences,
                                         .chunk_tokens = options.chunk_tokens},
                                        rules));
  parts.owner = std::move(owner);
  return parts;
}

/// @param run_ms  that a run of the trunk takes, asleep.
inline Result<serve::ModelParts> load_null_model(int64_t sequences, double run_ms) {
  return load_null_model(
      sequences, {.on_run = [run_ms](const NullRun& run) {
        if (run.draft) return;
        std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(run_ms));
      }});
}

}  // namespace troika::testing
