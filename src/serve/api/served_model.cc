#include "serve/api/served_model.h"

#include <chrono>
#include <utility>

namespace troika::serve {

ServedModel::ServedModel(ModelParts parts, ServingOptions options)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      created_s_(std::chrono::duration_cast<std::chrono::seconds>(
                     std::chrono::system_clock::now().time_since_epoch())
                     .count()),
      grammar_vocabulary_(GrammarVocabulary::make(*parts_.tokenizer, parts_.shown)) {}

Result<std::unique_ptr<ServedModel>> ServedModel::start(ModelParts parts, ServingOptions options,
                                                        Delivery& delivery) {
  std::unique_ptr<Engine> engine = std::move(parts.engine);
  std::unique_ptr<ServedModel> model(new ServedModel(std::move(parts), std::move(options)));
  TROIKA_TRY(
      model->thread_,
      EngineThread::start(std::move(engine), {.requests_max = model->options_.requests_max,
                                              .on_step = [&delivery] { delivery.step_over(); }}));
  return model;
}

void ServedModel::embed(std::vector<TokenId> tokens, Pooling pooling,
                        std::function<void(Result<std::span<float>>)> done) {
  engine().call([this, tokens = std::move(tokens), pooling, done = std::move(done)](Engine&) {
    done(parts_.embedder->embed(tokens, pooling));
  });
}

}  // namespace troika::serve
