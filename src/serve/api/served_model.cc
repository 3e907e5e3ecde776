#include "serve/api/served_model.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace troika::serve {
namespace {

/// Tokenizers compose characters: what they read may be longer than what tokens spell.
constexpr int64_t kComposedBytesMax = 4;

int64_t longest_token_bytes(const Tokenizer& tokenizer) {
  size_t longest = 1;
  for (int64_t id = 0; id < tokenizer.vocab(); id++)
    longest = std::max(longest, tokenizer.piece(static_cast<TokenId>(id), true).size());
  return static_cast<int64_t>(longest);
}

}  // namespace

ServedModel::ServedModel(ModelParts parts, ServingOptions options)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      created_s_(std::chrono::duration_cast<std::chrono::seconds>(
                     std::chrono::system_clock::now().time_since_epoch())
                     .count()),
      prompt_bytes_max_(parts_.context * longest_token_bytes(*parts_.tokenizer) *
                        kComposedBytesMax),
      grammar_vocabulary_(GrammarVocabulary::make(*parts_.tokenizer, parts_.shown)) {}

Result<std::unique_ptr<ServedModel>> ServedModel::start(ModelParts parts, ServingOptions options,
                                                        Delivery& delivery) {
  std::unique_ptr<Engine> engine = std::move(parts.engine);
  std::unique_ptr<ServedModel> model(new ServedModel(std::move(parts), std::move(options)));
  TROIKA_TRY(model->thread_, EngineThread::start(std::move(engine),
                                                 {.requests_max = model->options_.requests_max,
                                                  .on_step = [&delivery] { delivery.step_over(); },
                                                  .on_worked = model->options_.on_worked}));
  return model;
}

void ServedModel::embed(std::vector<TokenId> tokens, Pooling pooling,
                        std::function<void(Result<std::span<float>>)> done) {
  engine().call([this, tokens = std::move(tokens), pooling, done = std::move(done)](Engine&) {
    done(parts_.embedder->embed(tokens, pooling));
  });
}

}  // namespace troika::serve
