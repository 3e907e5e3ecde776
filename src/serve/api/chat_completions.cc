// POST /v1/chat/completions, and /apply-template, which shows its prompt.
#include <fmt/format.h>

#include <utility>

#include "serve/api/chat_answer.h"
#include "serve/api/handlers.h"
#include "serve/api/request_body.h"

namespace troika::serve {
namespace {

class ChatCompletion final : public ChatAnswer {
 public:
  ChatCompletion(const Call& call, AnswerOptions options, const ChatPrompt& prompt, int32_t choices)
      : ChatAnswer(call, std::move(options), prompt, choices), id_(new_answer_id("chatcmpl-")) {}

 private:
  void begin(size_t number) override {
    if (options().stream) send_delta(number, {{"role", "assistant"}, {"content", ""}});
  }

  void event(size_t number, const OutputEvent& event) override {
    if (!options().stream) return;
    switch (event.kind) {
      case OutputEvent::Kind::content:
        return send_delta(number, {{"content", event.text}});
      case OutputEvent::Kind::reasoning:
        return send_delta(number, {{"reasoning_content", event.text}});
      case OutputEvent::Kind::call:
        return send_call(number, {{"index", event.index},
                                  {"id", event.id},
                                  {"type", "function"},
                                  {"function", {{"name", event.name}, {"arguments", ""}}}});
      case OutputEvent::Kind::arguments:
        return send_call(number,
                         {{"index", event.index}, {"function", {{"arguments", event.text}}}});
    }
  }

  /// A step's log-probabilities are told with it, also where its text is held back.
  void step_over(size_t number) override {
    if (options().stream && !choice(number).logprobs.empty()) send_delta(number, {{"content", ""}});
  }

  void end(size_t number) override {
    if (options().stream) send_delta(number, Json::object(), finish_of(choice(number)));
  }

  void complete() override {
    if (options().stream) return complete_stream();
    Json json = head("chat.completion");
    for (size_t i = 0; i < choices(); i++) {
      Choice& one = choice(i);
      json["choices"].push_back({{"index", i},
                                 {"message", message_json(one.message())},
                                 {"logprobs", logprobs_of(one)},
                                 {"finish_reason", finish_of(one)}});
    }
    json["usage"] = tally().usage();
    json["timings"] = tally().timings();
    respond(json);
  }

  void complete_stream() {
    if (options().include_usage || options().timings) {
      Json json = head("chat.completion.chunk");
      json["usage"] = tally().usage();
      json["timings"] = tally().timings();
      send(json);
    }
    send_text("data: [DONE]\n\n");
  }

  Json head(std::string_view object) const {
    return {{"id", id_},
            {"object", object},
            {"created", created_s()},
            {"model", options().model},
            {"system_fingerprint", "troika"},
            {"choices", Json::array()}};
  }

  Json logprobs_of(Choice& one) const {
    if (!spec().logprobs) return nullptr;
    return {{"content", std::exchange(one.logprobs, Json::array())}, {"refusal", nullptr}};
  }

  void send_delta(size_t number, Json delta, std::string_view finish = {}) {
    Json json = head("chat.completion.chunk");
    json["choices"].push_back({{"index", number},
                               {"delta", std::move(delta)},
                               {"logprobs", logprobs_of(choice(number))},
                               {"finish_reason", finish.empty() ? Json() : Json(finish)}});
    if (options().include_usage) json["usage"] = nullptr;  // there, but for the last chunk's
    if (options().show_drafts) json["troika"] = {{"drafted", drafted()}};
    send(json);
  }

  void send_call(size_t number, Json call) {
    send_delta(number, {{"tool_calls", Json::array({std::move(call)})}});
  }

  static Json message_json(const OutputMessage& message) {
    Json json = {{"role", "assistant"}, {"content", message.content}, {"refusal", nullptr}};
    if (!message.reasoning.empty()) json["reasoning_content"] = message.reasoning;
    if (message.tool_calls.empty()) return json;
    if (message.content.empty()) json["content"] = nullptr;
    for (const ToolCall& call : message.tool_calls)
      json["tool_calls"].push_back(
          {{"id", call.id},
           {"type", "function"},
           {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
    return json;
  }

  const std::string id_;
};

/// What would change the answer, and is not done here, is not passed over.
void refuse_what_is_not_done(Fields& fields) {
  for (const char* name : {"functions", "function_call"})
    if (fields.has(name))
      fields.refuse(name, fmt::format("{} is not known here, wanted tools and tool_choice", name));
  for (const char* name : {"audio", "web_search_options"})
    if (fields.has(name)) fields.refuse(name, fmt::format("{} is not known here", name));
  std::vector<std::string> modalities;
  fields.read_strings("modalities", modalities, 4);
  for (const std::string& modality : modalities)
    if (modality != "text")
      fields.refuse("modalities", "modalities has more than text: the model writes nothing else");
}

void read_logprobs(Fields& fields, GenerationSpec& spec) {
  fields.read("logprobs", spec.logprobs);
  fields.read("top_logprobs", spec.request.top_logprobs, 0, 20);
  if (spec.request.top_logprobs > 0 && !spec.logprobs)
    fields.refuse("top_logprobs", "top_logprobs without logprobs, wanted logprobs true");
}

}  // namespace

void handle_chat_completions(const Call& call) {
  RequestBody body(call);
  Fields& fields = body.fields();
  auto [spec, options] = read_answer(fields, call);
  read_logprobs(fields, spec);
  refuse_what_is_not_done(fields);
  const ChatRequest request = read_chat_request(fields);
  const ChatPrompt prompt = prepare_chat(fields, "messages", call.model, request, spec);
  if (body.refused()) return;
  const auto answer =
      std::make_shared<ChatCompletion>(call, std::move(options), prompt, spec.choices);
  Answer::start(answer, call, std::move(spec));
}

void handle_apply_template(const Call& call) {
  RequestBody body(call);
  Fields& fields = body.fields();
  const ChatRequest request = read_chat_request(fields);
  std::vector<TokenId> tokens;
  const ChatPrompt prompt = encode_chat(fields, "messages", call.model, request, tokens);
  if (body.refused()) return;
  call.exchange->respond({.body = to_text({{"prompt", prompt.text}})});
}

}  // namespace troika::serve
