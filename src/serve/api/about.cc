// GET /v1/models and /props: what is served here.
#include <fmt/format.h>

#include "serve/accounts/refusal.h"
#include "serve/api/handlers.h"
#include "serve/http/json.h"

namespace troika::serve {
namespace {

Json model_json(const ServedModel& model) {
  const ModelInfo& info = model.parts().info;
  return {{"id", model.name()},
          {"object", "model"},
          {"created", model.created_s()},
          {"owned_by", "troika"},
          {"meta",
           {{"architecture", info.architecture},
            {"n_ctx", model.context()},
            {"n_ctx_train", info.context_length},
            {"n_vocab", model.tokenizer().vocab()},
            {"n_layer", info.layers},
            {"draft_head", info.draft_head}}}};
}

}  // namespace

void handle_models(const Call& call) {
  constexpr std::string_view kBelow = "/v1/models/";
  const std::string& path = call.request().path;
  if (!path.starts_with(kBelow))
    return call.exchange->respond(
        {.body = to_text({{"object", "list"}, {"data", Json::array({model_json(call.model)})}})});
  if (path.substr(kBelow.size()) == call.model.name())
    return call.exchange->respond({.body = to_text(model_json(call.model))});
  call.exchange->respond(openai_error({.status = 404,
                                       .message = "there is no such model here",
                                       .param = "model",
                                       .code = "model_not_found"}));
}

void handle_props(const Call& call) {
  const SamplingOptions& s = call.model.options().sampling;
  const Tokenizer& tokenizer = call.model.tokenizer();
  const auto text_of = [&](std::optional<TokenId> id) {
    return id ? tokenizer.piece(*id, true) : std::string();
  };
  call.exchange->respond({.body = to_text({{"model", {{"name", call.model.name()}}},
                                           {"context", call.model.context()},
                                           {"default_generation_settings",
                                            {{"n_ctx", call.model.context()},
                                             {"params",
                                              {{"temperature", s.temperature},
                                               {"top_k", s.top_k},
                                               {"top_p", s.top_p},
                                               {"min_p", s.min_p},
                                               {"repeat_penalty", s.repeat_penalty},
                                               {"repeat_last_n", s.repeat_last_n},
                                               {"presence_penalty", s.presence_penalty},
                                               {"frequency_penalty", s.frequency_penalty}}}}},
                                           {"chat_template", call.model.chat_template().source()},
                                           {"bos_token", text_of(tokenizer.bos())},
                                           {"eos_token", text_of(tokenizer.eos())},
                                           {"embeddings", call.model.embeds()}})});
}

}  // namespace troika::serve
