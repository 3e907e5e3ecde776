#include "serve/api/chat_answer.h"

#include <algorithm>
#include <utility>

namespace troika::serve {

bool ChatAnswer::Choice::called() const {
  return std::ranges::any_of(message().tool_calls, &ToolCall::complete);
}

ChatAnswer::ChatAnswer(const Call& call, AnswerOptions options, const ChatPrompt& prompt,
                       int32_t choices)
    : Answer(call.exchange, call.model, std::move(options)) {
  for (int32_t i = 0; i < choices; i++) {
    OutputParserOptions parser = prompt.parser;
    parser.id_seed = new_answer_id("");
    choices_.push_back({.parser = OutputParser(prompt.format, std::move(parser))});
  }
}

std::string_view ChatAnswer::finish_of(const Choice& choice) const {
  if (choice.finish != FinishReason::length && choice.called()) return "tool_calls";
  return finish_name(choice.finish);
}

void ChatAnswer::add_logprobs(const Told& told, Choice& choice) {
  for (const ToldLogprob& one : told.logprobs) {
    Json json = logprob_json(model().tokenizer(), one.token);
    json["top_logprobs"] = Json::array();
    for (const TokenLogprob& other : one.top)
      json["top_logprobs"].push_back(logprob_json(model().tokenizer(), other));
    choice.logprobs.push_back(std::move(json));
  }
}

void ChatAnswer::feed(size_t number, std::string_view text, bool drafted) {
  drafted_ = drafted;
  for (const OutputEvent& one : choices_[number].parser.feed(text)) event(number, one);
}

void ChatAnswer::progress(Told& told) {
  const auto number = static_cast<size_t>(told.choice);
  Choice& choice = choices_[number];
  if (!std::exchange(choice.begun, true)) begin(number);
  add_logprobs(told, choice);
  const std::string_view text = told.text;
  const size_t drafted = options().show_drafts ? told.drafted_bytes : 0;
  if (drafted > 0) feed(number, text.substr(0, drafted), true);
  feed(number, text.substr(drafted), false);
  if (choice.parser.phase() == OutputPhase::reasoning)
    tally().add_reasoning_tokens(std::ssize(told.tokens));
  if (!told.ending) return step_over(number);
  for (const OutputEvent& one : choice.parser.finish()) event(number, one);
  choice.finish = told.ending->finish;
  choice.stop_string = told.ending->stop_string;
  end(number);
}

}  // namespace troika::serve
