// Feeding an output to a parser in pieces, and what came of it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "text/output/output_parser.h"

namespace troika::testing {

/// What a listener of the events adds up; fails the test where events contradict each other.
class Listener {
 public:
  void hear(std::span<const OutputEvent> events) {
    for (const OutputEvent& event : events) hear(event);
  }
  void hear(const OutputEvent& event) {
    switch (event.kind) {
      case OutputEvent::Kind::reasoning:
        heard_.reasoning += event.text;
        break;
      case OutputEvent::Kind::content:
        heard_.content += event.text;
        break;
      case OutputEvent::Kind::call:
        EXPECT_EQ(event.index, static_cast<int32_t>(heard_.tool_calls.size()));
        EXPECT_FALSE(event.id.empty());
        EXPECT_FALSE(event.name.empty());
        heard_.tool_calls.push_back({.id = event.id, .name = event.name});
        break;
      case OutputEvent::Kind::arguments:
        ASSERT_EQ(event.index + 1, static_cast<int32_t>(heard_.tool_calls.size()));
        heard_.tool_calls.back().arguments += event.text;
        break;
    }
    EXPECT_EQ(event.text.empty(), event.kind == OutputEvent::Kind::call);
  }
  const OutputMessage& heard() const { return heard_; }

 private:
  OutputMessage heard_;
};

inline void expect_same(const OutputMessage& a, const OutputMessage& b, bool with_complete) {
  EXPECT_EQ(a.reasoning, b.reasoning);
  EXPECT_EQ(a.content, b.content);
  ASSERT_EQ(a.tool_calls.size(), b.tool_calls.size());
  for (size_t i = 0; i < a.tool_calls.size(); i++) {
    EXPECT_EQ(a.tool_calls[i].id, b.tool_calls[i].id);
    EXPECT_EQ(a.tool_calls[i].name, b.tool_calls[i].name);
    EXPECT_EQ(a.tool_calls[i].arguments, b.tool_calls[i].arguments);
    if (with_complete) {
      EXPECT_EQ(a.tool_calls[i].complete, b.tool_calls[i].complete);
    }
  }
}

/// Feeds `output` cut into pieces of sizes that `next_size` says; returns the message, which the
/// events must add up to.
template <typename NextSize>
OutputMessage parse_in_pieces(const OutputFormat& format, const OutputParserOptions& options,
                              std::string_view output, NextSize next_size) {
  OutputParser parser(format, options);
  Listener listener;
  while (!output.empty()) {
    const std::string_view piece = output.substr(0, next_size());
    listener.hear(parser.feed(piece));
    output.remove_prefix(piece.size());
  }
  listener.hear(parser.finish());
  expect_same(listener.heard(), parser.message(), false);
  return parser.message();
}

inline OutputMessage parse_whole(const OutputFormat& format, const OutputParserOptions& options,
                                 std::string_view output) {
  return parse_in_pieces(format, options, output, [&output] { return output.size(); });
}

/// parse_whole(); fails the test where another cut gives another message.
inline OutputMessage parse(const OutputFormat& format, const OutputParserOptions& options,
                           std::string_view output) {
  const OutputMessage whole = parse_whole(format, options, output);
  for (const size_t size : {1, 2, 3, 5, 7, 11}) {
    SCOPED_TRACE("pieces of " + std::to_string(size));
    expect_same(parse_in_pieces(format, options, output, [size] { return size; }), whole, true);
  }
  return whole;
}

}  // namespace troika::testing
