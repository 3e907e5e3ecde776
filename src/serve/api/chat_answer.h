// An answer of a chat: each continuation read into reasoning, content and calls as it comes.
#pragma once

#include <string>
#include <vector>

#include "serve/api/answer.h"
#include "serve/api/call.h"
#include "serve/api/chat_request.h"
#include "text/output/output_parser.h"

namespace troika::serve {

class ChatAnswer : public Answer {
 public:
  ChatAnswer(const Call& call, AnswerOptions options, const ChatPrompt& prompt, int32_t choices);

 protected:
  struct Choice {
    OutputParser parser;
    bool begun = false;
    FinishReason finish = FinishReason::none;
    int32_t stop_string = -1;
    Json logprobs = Json::array();  // of tokens that were not told yet
    const OutputMessage& message() const { return parser.message(); }
    /// Whether it called a tool to the end of the call.
    bool called() const;
  };

  // What an API does with it; the number is the continuation's.

  /// Before the first event.
  virtual void begin(size_t) {}
  virtual void event(size_t number, const OutputEvent& event) = 0;
  /// After the events of a step that was not the last.
  virtual void step_over(size_t) {}
  virtual void end(size_t) {}

  Choice& choice(size_t number) { return choices_[number]; }
  size_t choices() const { return choices_.size(); }
  /// Whether the event that is told is of text that was drafted and accepted.
  bool drafted() const { return drafted_; }
  /// "tool_calls", "stop" or "length".
  std::string_view finish_of(const Choice& choice) const;

 private:
  void progress(Told& told) final;
  void add_logprobs(const Told& told, Choice& choice);
  void feed(size_t number, std::string_view text, bool drafted);

  std::vector<Choice> choices_;
  bool drafted_ = false;
};

}  // namespace troika::serve
