// Takes a model's output as it comes and tells reasoning, content and tool calls apart. What comes
// out depends on the bytes alone, never on where they were cut: deltas may arrive earlier or later,
// and add up to the same. No delta shows a part of a marker.
//
//   OutputParser parser(detect_output_format(chat_template), {.tools = tools,
//                       .generation_prompt = prompt.generation});
//   for (const OutputEvent& event : parser.feed(text)) send(event);
//   for (const OutputEvent& event : parser.finish()) send(event);
//
// Rules. White space around the tags of reasoning and around calls is dropped, and reasoning of
// white space alone is none. What looks like a call and turns out to be none is content. JSON ends
// where its brackets close, whatever stands inside of strings. Arguments are handed on as the
// model wrote them, JSON or not; formats that are not JSON are turned into JSON on the way.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/output/output_format.h"
#include "text/output/output_tools.h"

namespace troika {

enum class ReasoningFormat : uint8_t {
  none,      // tags and reasoning stay in the content
  separate,  // "deepseek" and "auto": reasoning apart, tags dropped
  both,      // "deepseek-legacy": reasoning apart, and once more in the content with its tags
};

struct OutputParserOptions {
  std::vector<OutputTool> tools;  // none: nothing is a call
  bool parse_tool_calls = true;
  int32_t tool_calls_max = 128;  // what follows is content; 1: no parallel calls
  ReasoningFormat reasoning_format = ReasoningFormat::separate;
  std::string generation_prompt;  // how the prompt ended: it tells whether reasoning is open
  std::string id_seed;            // calls that bring no id get one made of this and their index
};

/// A piece of the answer. Of one kind only; other fields are empty.
struct OutputEvent {
  enum class Kind : uint8_t {
    reasoning,  // text is appended to the reasoning
    content,    // text is appended to the content
    call,       // a call begins: index, id, name
    arguments,  // text is appended to the arguments of call `index`
  };
  Kind kind;
  int32_t index = 0;  // of the call, from 0
  std::string text;
  std::string id, name;
};

struct ToolCall {
  std::string id, name;
  std::string arguments;  // JSON text, as far as the model wrote it
  bool complete = false;  // to its end
};

/// All events so far, added up.
struct OutputMessage {
  std::string reasoning, content;
  std::vector<ToolCall> tool_calls;
};

/// What the next byte of the output belongs to, as far as is known.
enum class OutputPhase : uint8_t { reasoning, content, call };

/// The reader of one answer. Movable. Thread: any, one at a time. Memory: the message, and at most
/// some hundred kilobytes held back.
class OutputParser {
 public:
  OutputParser(const OutputFormat& format, OutputParserOptions options);
  OutputParser(OutputParser&&) noexcept;
  OutputParser& operator=(OutputParser&&) noexcept;
  ~OutputParser();

  /// Takes more of the output; not after finish(). Whole UTF-8 characters in, whole characters out.
  /// @return  what became certain; valid until the next call. Cost: linear in `text`.
  std::span<const OutputEvent> feed(std::string_view text);

  /// The output is over: says what was held back. A call that was begun stays as far as it came.
  std::span<const OutputEvent> finish();

  const OutputMessage& message() const;
  OutputPhase phase() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace troika
