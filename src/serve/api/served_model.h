// A model that requests are answered with: tokenizer, template, limits, and its engine on a thread
// of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/result.h"
#include "engine/embedder.h"
#include "engine/engine_thread.h"
#include "gguf/metadata.h"
#include "model/model.h"
#include "serve/api/delivery.h"
#include "serve/api/grammar_cache.h"
#include "text/chat_template.h"
#include "text/grammar/grammar_vocabulary.h"
#include "text/tokenizer.h"

namespace troika::serve {

/// What a model is made of. Whoever owns tokenizer, metadata and weights is `owner`.
struct ModelParts {
  std::shared_ptr<void> owner;
  const Tokenizer* tokenizer = nullptr;
  const gguf::Metadata* metadata = nullptr;  // null: a model without a file, in tests
  ModelInfo info;
  int64_t context = 0;
  SpeculationOptions speculation;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Embedder> embedder;  // null: it gives no embeddings
  std::optional<ChatTemplate> chat;    // there, once it is served
  std::vector<TokenId> shown;          // control tokens that texts show
};

/// How requests are answered, whatever the model.
struct ServingOptions {
  std::string alias;                // what the API calls the model
  int64_t requests_max = 4096;      // not ended yet, in all
  double timeout_s = 0;             // of a request from its arrival; 0: none
  SamplingOptions sampling;         // where a request says nothing
  Pooling pooling = Pooling::mean;  // of embeddings
  int64_t tokens_max = -1;          // of an answer where a request says nothing; -1: the context
  /// Told of each step, on the engine's thread: EngineThreadOptions::on_worked.
  std::function<void(double seconds, int64_t rows)> on_worked = {};
};

/// Thread: any, but for what is said of embed().
class ServedModel {
 public:
  /// Starts the engine's thread; what requests tell goes through `delivery`, which is borrowed.
  static Result<std::unique_ptr<ServedModel>> start(ModelParts parts, ServingOptions options,
                                                    Delivery& delivery);

  const std::string& name() const { return options_.alias; }
  const ServingOptions& options() const { return options_; }
  const ModelParts& parts() const { return parts_; }
  const Tokenizer& tokenizer() const { return *parts_.tokenizer; }
  int64_t context() const { return parts_.context; }
  /// Bytes that a text may have to fit into the context at all; longer ones need not be read.
  int64_t prompt_bytes_max() const { return prompt_bytes_max_; }
  int64_t created_s() const { return created_s_; }
  const ChatTemplate& chat_template() const { return *parts_.chat; }

  /// The tokens as grammars see them.
  const std::shared_ptr<const GrammarVocabulary>& grammar_vocabulary() const {
    return grammar_vocabulary_;
  }
  GrammarCache& grammars() const { return *grammars_; }

  EngineThread& engine() { return *thread_; }

  bool embeds() const { return parts_.embedder != nullptr; }
  /// Computes the vector of a text between two steps of the engine. `done` is called on the
  /// engine's thread; its span is valid during the call.
  void embed(std::vector<TokenId> tokens, Pooling pooling,
             std::function<void(Result<std::span<float>>)> done);

 private:
  ServedModel(ModelParts parts, ServingOptions options);

  ModelParts parts_;
  ServingOptions options_;
  int64_t created_s_;
  int64_t prompt_bytes_max_;
  std::shared_ptr<const GrammarVocabulary> grammar_vocabulary_;
  std::unique_ptr<GrammarCache> grammars_ = std::make_unique<GrammarCache>();
  std::unique_ptr<EngineThread> thread_;  // last: it uses what stands above
};

}  // namespace troika::serve
