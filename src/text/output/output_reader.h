// What OutputParser is made of: a reader takes all that is decided from the unread text and tells
// the sink. One kind for messages that are text with marked parts, and one each for the two
// formats whose output is a row of messages.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "text/output/arguments.h"
#include "text/output/output_parser.h"
#include "text/output/output_sink.h"

namespace troika {

class OutputReader {
 public:
  virtual ~OutputReader() = default;
  /// Takes one piece. False: nothing more can be told before more text comes or it ends; if it
  /// ended, what is left is of no use.
  virtual bool step(Unread& unread, OutputSink& sink) = 0;
  virtual OutputPhase phase() const = 0;
};

/// What readers share. Both outlive the reader.
struct ReaderContext {
  const OutputFormat& format;
  const OutputParserOptions& options;

  bool may_call(const OutputSink& sink) const {
    return options.parse_tool_calls && !options.tools.empty() &&
           sink.calls() < options.tool_calls_max;
  }
};

std::unique_ptr<OutputReader> read_marked_output(ReaderContext context);
std::unique_ptr<OutputReader> read_harmony_output(ReaderContext context);
std::unique_ptr<OutputReader> read_functionary_output(ReaderContext context);

/// Whether the prompt ended inside of reasoning, behind it, or without a word about it.
enum class ReasoningStart { unknown, open, closed };
ReasoningStart reasoning_start(const OutputFormat& format, std::string_view generation_prompt);

}  // namespace troika
