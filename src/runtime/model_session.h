// From a path to an engine that answers: file, tokenizer, model, device, weights, in this order and
// with every check as early as it can be made.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/progress.h"
#include "engine/engine.h"
#include "engine/loaded_model.h"
#include "gguf/file.h"
#include "runtime/devices.h"
#include "runtime/memory_check.h"
#include "text/tokenizer.h"

namespace troika {

/// A file and the model that it describes; nothing of size is in memory yet.
struct OpenModel {
  gguf::File file;
  Model model;
};

/// Opens the file at `path` and makes its model.
Result<OpenModel> open_model(const std::string& path, const ModelOptions& options);

/// Imports the weights of `opened`, showing `progress`. Takes opened.model; `device` is borrowed.
Result<LoadedModel> import_weights(OpenModel& opened, Device& device, Progress& progress);

/// The same, after a check that `size` fits the memory.
/// @param draft_model  that is to be imported next, as check_memory() takes it.
Result<LoadedModel> load_weights(OpenModel& opened, Device& device, const ContextSize& size,
                                 Progress& progress, const Model* draft_model = nullptr);

/// The length of the context: `wanted`; 0: what the model was trained for; nothing: that, but at
/// most the engine's default.
int64_t context_tokens(const std::optional<int64_t>& wanted, const ModelInfo& info);

/// Which model, on what device, and in which portions. The defaults are the engine's.
struct ModelSetup {
  std::string path;
  DeviceOptions device;
  DType kv_dtype = EngineOptions{}.kv_dtype;
  int64_t chunk_tokens = EngineOptions{}.chunk_tokens;
};

/// What is kept of earlier texts for those that begin alike.
struct CacheBudget {
  bool on = false;
  int64_t bytes = 0;  // of keys and values, besides those of texts at work
  /// States, where a text goes on at such places only. The end of a prompt, the page border before
  /// it and the end of its answer, and what the next turn adds before it gives them up.
  int64_t checkpoints = 6;
  int64_t interval_tokens = CacheOptions{}.interval_tokens;
  std::string disk_folder;  // for what makes room, as CacheOptions has it; empty: none
  int64_t disk_bytes = int64_t{4} << 30;
  std::function<void(const std::string& line)> on_disk_warning;
};

/// How texts share the machine.
struct SharingOptions {
  int64_t sequences_max = 1;  // at the same time
  int64_t kv_bytes = 0;       // keys and values of all of them; 0: as much as they can fill
  int64_t spill_bytes = 0;    // as EngineOptions has it
  double step_ms_max = 0;     // the same
};

struct SessionOptions {
  ModelSetup model;
  std::optional<int64_t> context;  // as context_tokens() takes it
  SpeculationOptions speculation;
  int64_t draft_rows = kDraftRowsAuto;  // as ModelOptions takes it
  std::string draft_model;              // path of a model that drafts; empty: none
  SharingOptions sharing;
  CacheBudget cache;
  bool go_on_after_end = false;  // tokens that end a text are tokens like others
  bool show_markers = false;     // texts have the control tokens of output_markers()
  bool hidden_rows = false;      // as ModelOptions has it: for embeddings
};

/// Whether two files number the same tokens alike, as far as the first of them goes.
/// Errors: invalid_argument — with the first id that means something else, or both counts.
Status check_same_vocabulary(const gguf::Metadata& model, const gguf::Metadata& draft_model);

/// What an engine must know of `tokenizer`, which is borrowed: texts as users see them, without
/// control tokens and those that end a text.
///
/// @param go_on_after_end  no token ends a text.
/// @param shown  control tokens that are part of the text all the same.
TokenRules token_rules(const Tokenizer& tokenizer, bool go_on_after_end = false,
                       std::vector<TokenId> shown = {});

/// Control tokens by which models with this chat template mark reasoning and tool calls.
std::vector<TokenId> output_markers(const Tokenizer& tokenizer, std::string_view chat_template);

/// A model that texts are written with.
class ModelSession {
 public:
  /// Opens and checks; imports nothing. Errors: those of the file, its tokenizer and its family;
  /// invalid_argument — drafts from a model without a draft head, or from a draft model that is not
  /// named or has another vocabulary; keys and values that hold less than the context.
  static Result<std::unique_ptr<ModelSession>> open(const SessionOptions& options);

  /// Whether a prompt of so many tokens leaves room for an answer; asked before the long work.
  /// Errors: invalid_argument — with both lengths.
  Status check_prompt_fits(int64_t tokens) const;

  /// Imports the weights and makes the engine. Once.
  Status load(Progress& progress);

  /// The weights on the device; after load() only.
  const LoadedModel& loaded() const { return *loaded_; }
  const gguf::File& file() const { return opened_.file; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  const ModelInfo& info() const { return loaded_ ? loaded_->model.info : opened_.model.info; }
  /// What requests must ask for: options.speculation, or none where that drafts nothing.
  const SpeculationOptions& speculation() const { return speculation_; }
  int64_t context() const { return size_.tokens; }
  /// The rest after load() only.
  Engine& engine() { return *engine_; }
  /// Gives the engine away; it borrows from this session, which must outlive it.
  std::unique_ptr<Engine> take_engine() { return std::move(engine_); }
  /// The context's sum; of the weights, the bytes in the file.
  MemoryPlan memory() const {
    return plan_context(loaded_->model, size_, loaded_draft_ ? &loaded_draft_->model : nullptr);
  }
  const Device& device() const { return *device_; }

 private:
  ModelSession(OpenModel opened, std::unique_ptr<Tokenizer> tokenizer)
      : opened_(std::move(opened)), tokenizer_(std::move(tokenizer)) {}

  Status plan_sharing(const SessionOptions& options);
  Status open_draft_model(const SessionOptions& options);

  OpenModel opened_;
  std::optional<OpenModel> opened_draft_;
  std::unique_ptr<Tokenizer> tokenizer_;
  DeviceOptions device_options_;
  SpeculationOptions speculation_;
  ContextSize size_;
  bool go_on_after_end_ = false;
  bool show_markers_ = false;
  std::unique_ptr<Device> device_;  // outlives what follows
  std::optional<LoadedModel> loaded_, loaded_draft_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace troika
