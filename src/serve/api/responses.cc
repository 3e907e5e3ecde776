// POST /v1/responses: an answer as a list of items, whole or as events.
#include <fmt/format.h>

#include <utility>

#include "serve/api/chat_answer.h"
#include "serve/api/handlers.h"
#include "serve/api/request_body.h"
#include "serve/api/responses_request.h"

namespace troika::serve {
namespace {

class ResponseAnswer final : public ChatAnswer {
 public:
  ResponseAnswer(const Call& call, AnswerOptions options, const ChatPrompt& prompt, Json asked)
      : ChatAnswer(call, std::move(options), prompt, 1),
        id_(new_answer_id("resp_")),
        asked_(std::move(asked)) {}

 private:
  void begin(size_t) override {
    if (!options().stream) return;
    send_event("response.created", {{"response", object("in_progress")}});
    send_event("response.in_progress", {{"response", object("in_progress")}});
  }

  void event(size_t, const OutputEvent& event) override {
    switch (event.kind) {
      case OutputEvent::Kind::reasoning:
        open("reasoning", {{"summary", Json::array()}, {"content", Json::array()}});
        item_text_ += event.text;
        return delta("response.reasoning_text.delta", event.text, true);
      case OutputEvent::Kind::content:
        open("message", {{"role", "assistant"}, {"content", Json::array()}});
        item_text_ += event.text;
        return delta("response.output_text.delta", event.text, true);
      case OutputEvent::Kind::call:
        close("completed");
        return open("function_call",
                    {{"call_id", event.id}, {"name", event.name}, {"arguments", ""}});
      case OutputEvent::Kind::arguments:
        item_text_ += event.text;
        return delta("response.function_call_arguments.delta", event.text, false);
    }
  }

  void complete() override {
    const bool cut = choice(0).finish == FinishReason::length;
    close(cut ? "incomplete" : "completed");
    Json done = object(cut ? "incomplete" : "completed");
    if (cut) done["incomplete_details"] = {{"reason", "max_output_tokens"}};
    done["usage"] = {{"input_tokens", tally().prompt_tokens()},
                     {"input_tokens_details", {{"cached_tokens", tally().cached_tokens()}}},
                     {"output_tokens", tally().answer_tokens()},
                     {"output_tokens_details", {{"reasoning_tokens", tally().reasoning_tokens()}}},
                     {"total_tokens", tally().prompt_tokens() + tally().answer_tokens()}};
    done["timings"] = tally().timings();
    if (!options().stream) return respond(done);
    send_event(cut ? "response.incomplete" : "response.completed", {{"response", std::move(done)}});
  }

  void send_failure(const Refusal& refusal) override {
    send_event("error", {{"code", refusal.code.empty() ? Json() : Json(refusal.code)},
                         {"message", refusal.message},
                         {"param", refusal.param.empty() ? Json() : Json(refusal.param)}});
  }

  Json object(std::string_view status) const {
    Json json = {{"id", id_},
                 {"object", "response"},
                 {"created_at", created_s()},
                 {"status", status},
                 {"error", nullptr},
                 {"incomplete_details", nullptr},
                 {"model", options().model},
                 {"output", output_},
                 {"truncation", "disabled"},
                 {"usage", nullptr}};
    json.update(asked_);
    return json;
  }

  void send_event(std::string_view type, const Json& more) {
    if (!options().stream) return;
    Json event = {{"type", type}, {"sequence_number", sequence_++}};
    event.update(more);
    send_named(type, event);
  }

  /// Names the open item, and its part where it has parts.
  Json place(bool part) const {
    Json json = {{"item_id", item_["id"]}, {"output_index", output_.size()}};
    if (part) json["content_index"] = 0;
    return json;
  }

  void delta(std::string_view type, const std::string& text, bool part) {
    Json json = place(part);
    json["delta"] = text;
    if (type == "response.output_text.delta") json["logprobs"] = Json::array();
    send_event(type, json);
  }

  Json part() const {
    if (item_["type"] == "reasoning") return {{"type", "reasoning_text"}, {"text", item_text_}};
    return {{"type", "output_text"},
            {"text", item_text_},
            {"annotations", Json::array()},
            {"logprobs", Json::array()}};
  }

  /// Begins an item of another type than the open one.
  void open(std::string_view type, const Json& more) {
    if (!item_.is_null() && item_["type"] == type && type != "function_call") return;
    close("completed");
    const std::string_view prefix = type == "message"     ? "msg_"
                                    : type == "reasoning" ? "rs_"
                                                          : "fc_";
    item_ = {{"id", new_answer_id(prefix)}, {"type", type}, {"status", "in_progress"}};
    item_.update(more);
    send_event("response.output_item.added", {{"output_index", output_.size()}, {"item", item_}});
    if (type == "function_call") return;
    Json json = place(true);
    json["part"] = part();
    send_event("response.content_part.added", json);
  }

  void close(std::string_view status) {
    if (item_.is_null()) return;
    const std::string text = item_text_;
    if (item_["type"] == "function_call") {
      item_["arguments"] = text;
      Json json = place(false);
      json["arguments"] = text;
      json["name"] = item_["name"];
      send_event("response.function_call_arguments.done", json);
    } else {
      item_["content"].push_back(part());
      Json json = place(true);
      json["text"] = text;
      const bool reasoning = item_["type"] == "reasoning";
      if (!reasoning) json["logprobs"] = Json::array();
      send_event(reasoning ? "response.reasoning_text.done" : "response.output_text.done", json);
      Json done = place(true);
      done["part"] = part();
      send_event("response.content_part.done", done);
    }
    item_["status"] = status;
    send_event("response.output_item.done", {{"output_index", output_.size()}, {"item", item_}});
    output_.push_back(std::exchange(item_, nullptr));
    item_text_.clear();
  }

  const std::string id_;
  const Json asked_;  // what of the request is told again
  Json output_ = Json::array();
  Json item_;  // the open one; null: none
  std::string item_text_;
  int64_t sequence_ = 0;
};

/// What clients expect to find again in the answer.
Json asked_of(const Fields& fields, const GenerationSpec& spec, const ChatRequest& request) {
  const auto or_default = [&](const char* name, Json value) {
    const Json* json = fields.find(name);
    return json != nullptr ? *json : value;
  };
  return {{"instructions", or_default("instructions", nullptr)},
          {"max_output_tokens", or_default("max_output_tokens", nullptr)},
          {"metadata", or_default("metadata", Json::object())},
          {"parallel_tool_calls", request.parallel_tool_calls},
          {"temperature", spec.request.sampling.temperature},
          {"top_p", spec.request.sampling.top_p},
          {"tool_choice", or_default("tool_choice", "auto")},
          {"tools", or_default("tools", Json::array())},
          {"text", or_default("text", {{"format", {{"type", "text"}}}})},
          {"reasoning", or_default("reasoning", nullptr)},
          {"store", false},
          {"previous_response_id", nullptr}};
}

}  // namespace

void handle_responses(const Call& call) {
  RequestBody body(call);
  Fields& fields = body.fields();
  auto [spec, options] = read_answer(fields, call);
  spec.choices = 1;
  const ChatRequest request = read_responses_request(fields);
  const ChatPrompt prompt = prepare_chat(fields, "input", call.model, request, spec);
  if (body.refused()) return;
  const auto answer = std::make_shared<ResponseAnswer>(call, std::move(options), prompt,
                                                       asked_of(fields, spec, request));
  Answer::start(answer, call, std::move(spec));
}

}  // namespace troika::serve
