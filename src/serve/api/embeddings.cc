// POST /v1/embeddings: texts as vectors.
#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "serve/api/answer_fields.h"
#include "serve/api/handlers.h"
#include "serve/api/prompts.h"
#include "serve/api/request_body.h"

namespace troika::serve {
namespace {

constexpr size_t kTextsMax = 2048;

/// The bytes of little-endian floats, as OpenAI's clients ask for them.
std::string base64(std::span<const float> vector) {
  const size_t bytes = vector.size_bytes();
  std::string text((bytes + 2) / 3 * 4 + 1, '\0');  // and the zero that is written behind it
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(vector.data()),
                                   static_cast<int>(bytes));
  text.resize(static_cast<size_t>(size));
  return text;
}

/// The texts of one request, embedded one after the other between the engine's steps.
class Embedding : public std::enable_shared_from_this<Embedding> {
 public:
  Embedding(const Call& call, std::shared_ptr<Account> account,
            std::vector<std::vector<TokenId>> texts, bool as_base64)
      : exchange_(call.exchange),
        model_(call.model),
        delivery_(call.delivery),
        account_(std::move(account)),
        texts_(std::move(texts)),
        as_base64_(as_base64) {}

  /// What it read is written down whatever became of it.
  ~Embedding() {
    if (!ended_) delivery_.write_down(account_->close(Outcome::cancelled), [](const Status&) {});
  }

  void next() {
    if (exchange_->gone()) return;
    if (data_.size() == texts_.size()) return end();
    const std::vector<TokenId>& tokens = texts_[data_.size()];
    model_.embed(tokens, model_.options().pooling,
                 [self = shared_from_this()](Result<std::span<float>> vector) {
                   self->take(std::move(vector));
                 });
  }

 private:
  void take(Result<std::span<float>> vector) {
    if (!vector.ok()) return fail_with(refusal_of(vector.error()));
    account_->read(std::ssize(texts_[data_.size()]));
    tokens_ += std::ssize(texts_[data_.size()]);
    if (!std::ranges::all_of(*vector, [](float x) { return std::isfinite(x); }))
      return fail_with(
          {.status = 500, .message = "the model computes no number", .type = "server_error"});
    normalise(*vector);
    Json json = as_base64_ ? Json(base64(*vector))
                           : Json(std::vector<float>(vector->begin(), vector->end()));
    data_.push_back(
        {{"object", "embedding"}, {"index", data_.size()}, {"embedding", std::move(json)}});
    next();
  }

  void fail_with(const Refusal& refusal) {
    ended_ = true;
    delivery_.write_down(account_->close(Outcome::failed), [](const Status&) {});
    exchange_->respond(openai_error(refusal));
  }

  /// Answers when the usage is safe.
  void end() {
    ended_ = true;
    delivery_.write_down(account_->close(Outcome::stop),
                         [self = shared_from_this()](const Status& status) {
                           if (status.ok()) return self->respond();
                           self->exchange_->respond(openai_error(refusal_of(status.error())));
                         });
  }

  void respond() {
    exchange_->respond(
        {.body = to_text({{"object", "list"},
                          {"data", std::move(data_)},
                          {"model", model_.name()},
                          {"usage", {{"prompt_tokens", tokens_}, {"total_tokens", tokens_}}}})});
  }

  const std::shared_ptr<http::Exchange> exchange_;
  ServedModel& model_;
  Delivery& delivery_;
  const std::shared_ptr<Account> account_;
  const std::vector<std::vector<TokenId>> texts_;
  const bool as_base64_;
  Json data_ = Json::array();
  int64_t tokens_ = 0;
  bool ended_ = false;  // the account is closed
};

}  // namespace

void handle_embeddings(const Call& call) {
  if (!call.model.embeds())
    return call.exchange->respond(openai_error(
        {.status = 501,
         .message = "this server gives no embeddings, wanted --embeddings at its start",
         .code = "not_supported"}));
  RequestBody body(call);
  Fields& fields = body.fields();
  read_model_name(fields, call.model);
  std::string format = "float";
  fields.read_choice("encoding_format", format, {"float", "base64"});
  auto texts = read_prompts(fields, "input", call.model, kTextsMax);
  check_context(fields, "input", call.model, texts);
  int64_t dimensions = call.model.parts().info.hidden;
  fields.read("dimensions", dimensions, dimensions, dimensions);
  if (body.refused()) return;
  RequestFacts facts = call.facts();
  facts.take_prompts(texts);
  facts.choices = 0;
  Request request{.tokens_max = 0};
  auto opened = call.accounts.open(call.caller, facts, request);
  if (const auto* refused = std::get_if<Refusal>(&opened))
    return call.exchange->respond(openai_error(*refused));
  std::make_shared<Embedding>(call, std::get<std::shared_ptr<Account>>(std::move(opened)),
                              std::move(texts), format == "base64")
      ->next();
}

}  // namespace troika::serve
