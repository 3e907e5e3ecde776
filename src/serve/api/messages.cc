// POST /v1/messages and /v1/messages/count_tokens: Anthropic's API over the same conversation.
#include <fmt/format.h>

#include <utility>

#include "core/printable.h"
#include "serve/api/anthropic.h"
#include "serve/api/chat_answer.h"
#include "serve/api/handlers.h"
#include "serve/api/request_body.h"

namespace troika::serve {
namespace {

/// The answer as blocks: thinking, text, tool_use, in the order in which the model wrote them.
class MessageAnswer final : public ChatAnswer {
 public:
  MessageAnswer(const Call& call, AnswerOptions options, const ChatPrompt& prompt,
                int64_t prompt_tokens)
      : ChatAnswer(call, std::move(options), prompt, 1),
        id_(new_answer_id("msg_")),
        prompt_tokens_(prompt_tokens) {}

 private:
  void begin(size_t) override {
    if (!options().stream) return;
    Json message = head();
    message["content"] = Json::array();
    message["stop_reason"] = nullptr;
    message["stop_sequence"] = nullptr;
    message["usage"] = {{"input_tokens", prompt_tokens_},
                        {"cache_creation_input_tokens", 0},
                        {"cache_read_input_tokens", 0},
                        {"output_tokens", 0}};
    send_event("message_start", {{"message", std::move(message)}});
  }

  void event(size_t, const OutputEvent& event) override {
    if (!options().stream) return;
    switch (event.kind) {
      case OutputEvent::Kind::reasoning:
        open("thinking", {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}});
        return delta({{"type", "thinking_delta"}, {"thinking", event.text}});
      case OutputEvent::Kind::content:
        open("text", {{"type", "text"}, {"text", ""}});
        return delta({{"type", "text_delta"}, {"text", event.text}});
      case OutputEvent::Kind::call:
        close();
        return open("tool_use", {{"type", "tool_use"},
                                 {"id", event.id},
                                 {"name", event.name},
                                 {"input", Json::object()}});
      case OutputEvent::Kind::arguments:
        return delta({{"type", "input_json_delta"}, {"partial_json", event.text}});
    }
  }

  void complete() override {
    Choice& one = choice(0);
    if (!options().stream) {
      Json message = head();
      message["content"] = blocks(one.message());
      message["stop_reason"] = stop_reason(one);
      message["stop_sequence"] = stop_sequence(one);
      message["usage"] = usage();
      return respond(message);
    }
    close();
    send_event(
        "message_delta",
        {{"delta", {{"stop_reason", stop_reason(one)}, {"stop_sequence", stop_sequence(one)}}},
         {"usage", usage()}});
    send_event("message_stop", Json::object());
  }

  http::Response refusal(const Refusal& refusal) const override { return anthropic_error(refusal); }
  void send_failure(const Refusal& refusal) override {
    send_text("event: error\ndata: " + anthropic_error_text(refusal) + "\n\n");
  }

  Json head() const {
    return {{"id", id_}, {"type", "message"}, {"role", "assistant"}, {"model", options().model}};
  }

  Json usage() {
    const int64_t cached = tally().cached_tokens();
    return {{"input_tokens", tally().prompt_tokens() - cached},
            {"cache_creation_input_tokens", 0},
            {"cache_read_input_tokens", cached},
            {"output_tokens", tally().answer_tokens()}};
  }

  static Json blocks(const OutputMessage& message) {
    Json blocks = Json::array();
    if (!message.reasoning.empty())
      blocks.push_back({{"type", "thinking"}, {"thinking", message.reasoning}, {"signature", ""}});
    if (!message.content.empty() || message.tool_calls.empty())
      blocks.push_back({{"type", "text"}, {"text", message.content}});
    for (const ToolCall& call : message.tool_calls) {
      const Result<Json> input = parse_json(call.arguments);
      blocks.push_back({{"type", "tool_use"},
                        {"id", call.id},
                        {"name", call.name},
                        {"input", input.ok() && input->is_object() ? *input : Json::object()}});
    }
    return blocks;
  }

  static std::string_view stop_reason(const Choice& one) {
    if (one.finish == FinishReason::length) return "max_tokens";
    if (one.called()) return "tool_use";
    return one.finish == FinishReason::stop_string ? "stop_sequence" : "end_turn";
  }

  Json stop_sequence(const Choice& one) const {
    if (one.finish != FinishReason::stop_string || one.stop_string < 0) return nullptr;
    return spec().request.stop[static_cast<size_t>(one.stop_string)];
  }

  void send_event(std::string_view type, const Json& more) {
    Json event = {{"type", type}};
    event.update(more);
    send_named(type, event);
  }

  /// Begins a block of another type than the open one.
  void open(std::string_view type, Json block) {
    if (open_ == type && type != "tool_use") return;
    close();
    open_ = type;
    send_event("content_block_start", {{"index", index_}, {"content_block", std::move(block)}});
  }

  void delta(Json delta) {
    send_event("content_block_delta", {{"index", index_}, {"delta", std::move(delta)}});
  }

  void close() {
    if (open_.empty()) return;
    send_event("content_block_stop", {{"index", index_++}});
    open_.clear();
  }

  const std::string id_;
  const int64_t prompt_tokens_;
  std::string open_;   // the type of the open block; empty: none is
  int64_t index_ = 0;  // of the block that is open, or comes next
};

}  // namespace

void handle_messages(const Call& call) {
  RequestBody body(call, anthropic_error);
  Fields& fields = body.fields();
  if (!fields.has("max_tokens"))
    fields.refuse("max_tokens", "max_tokens is missing, wanted a number of tokens");
  auto [spec, options] = read_answer(fields, call);
  spec.choices = 1;
  if (spec.request.tokens_max < 0)
    fields.refuse("max_tokens", "max_tokens is negative, wanted 1 or more");
  read_stop(fields, "stop_sequences", spec.request);
  const ChatRequest request = read_anthropic_request(fields);
  const ChatPrompt prompt = prepare_chat(fields, "messages", call.model, request, spec);
  if (body.refused()) return;
  const auto answer = std::make_shared<MessageAnswer>(call, std::move(options), prompt,
                                                      std::ssize(spec.prompts.front()));
  Answer::start(answer, call, std::move(spec));
}

void handle_count_tokens(const Call& call) {
  RequestBody body(call, anthropic_error);
  Fields& fields = body.fields();
  read_model_name(fields, call.model);
  const ChatRequest request = read_anthropic_request(fields);
  std::vector<TokenId> tokens;
  encode_chat(fields, "messages", call.model, request, tokens);
  if (body.refused()) return;
  call.exchange->respond({.body = to_text({{"input_tokens", tokens.size()}})});
}

}  // namespace troika::serve
