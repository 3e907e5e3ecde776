// Where a reader of output puts what it found: channels for reasoning and content, which keep white
// space back until it is known to stand inside of them, and calls. Makes events and the message.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/output/output_parser.h"

namespace troika {

/// Text without the white space at its ends. What may still be its end is held back, up to a bound:
/// a longer run is text.
class TextChannel {
 public:
  /// White space at the beginning is dropped if `drop` (again, where text came already).
  void drop_leading(bool drop) { drop_leading_ = drop; }
  /// The part of held space and `text` that is certain.
  std::string push(std::string_view text);
  /// What was held back.
  std::string release() { return std::exchange(held_, {}); }
  /// Whether nothing but white space came.
  bool blank() const { return blank_; }

 private:
  static constexpr size_t kHeldMax = 256;
  std::string held_;
  bool drop_leading_ = false;
  bool blank_ = true;
};

class OutputSink {
 public:
  struct Options {
    ReasoningFormat reasoning = ReasoningFormat::separate;
    std::string id_seed;
    bool short_ids = false;  // nine letters and digits, as Mistral's templates demand
  };
  explicit OutputSink(Options options) : options_(std::move(options)) {}

  /// Reasoning begins and ends with these tags of the output; "" where the prompt has the tag.
  void open_reasoning(std::string_view tag);
  void reasoning(std::string_view text);
  void close_reasoning(std::string_view tag);
  void content(std::string_view text);

  /// A call begins. `id` may be empty. `id_follows`: the call is held back until name_call().
  void begin_call(std::string_view name, std::string_view id, bool id_follows = false);
  void arguments(std::string_view text);
  /// Gives a call that was held back its id, if that is not known already; empty: one of ours.
  void name_call(std::string_view id);
  /// The present call is whole, or broken off.
  void end_call(bool complete);
  /// Nothing follows.
  void finish();

  int64_t calls() const { return std::ssize(message_.tool_calls); }
  /// Whether no content came but white space.
  bool blank() const { return content_.blank(); }
  /// More content stands apart from what came, if any did.
  void new_paragraph();

  const OutputMessage& message() const { return message_; }
  std::span<const OutputEvent> events() const { return events_; }
  void clear_events() { events_.clear(); }

 private:
  void say(OutputEvent::Kind kind, std::string_view text);
  void say_content(std::string_view text);
  std::string made_id() const;

  Options options_;
  TextChannel reasoning_, content_;
  bool held_call_ = false;
  std::string held_arguments_;
  OutputMessage message_;
  std::vector<OutputEvent> events_;
};

}  // namespace troika
