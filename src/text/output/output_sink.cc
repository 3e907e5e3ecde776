#include "text/output/output_sink.h"

#include <cstdint>

#include "text/output/unread.h"

namespace troika {
namespace {

constexpr size_t kHeldArgumentsMax = 1 << 18;  // bytes of a call whose id is still to come

// A hash that every seed and index reach in every bit: FNV-1a, then the finaliser of SplitMix64.
uint64_t id_bits(std::string_view seed, uint64_t index, uint64_t word) {
  uint64_t state = 0xcbf29ce484222325;
  for (const char c : seed) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  state += 0x9e3779b97f4a7c15 * (2 * index + word + 1);
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
  state = (state ^ (state >> 27)) * 0x94d049bb133111eb;
  return state ^ (state >> 31);
}

}  // namespace

std::string TextChannel::push(std::string_view text) {
  if (blank_ && drop_leading_)
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  std::string certain;
  for (const char c : text) {
    if (is_space(c) && held_.size() < kHeldMax) {
      held_ += c;
      continue;
    }
    certain += release();
    certain += c;
    blank_ = blank_ && is_space(c);
  }
  return certain;
}

void OutputSink::say(OutputEvent::Kind kind, std::string_view text) {
  if (text.empty()) return;
  const auto index = kind == OutputEvent::Kind::arguments ? static_cast<int32_t>(calls()) - 1 : 0;
  if (events_.empty() || events_.back().kind != kind || events_.back().index != index)
    events_.push_back({.kind = kind, .index = index});
  events_.back().text += text;
}

void OutputSink::say_content(std::string_view text) {
  message_.content += text;
  say(OutputEvent::Kind::content, text);
}

void OutputSink::open_reasoning(std::string_view tag) {
  reasoning_.drop_leading(true);
  if (!reasoning_.blank()) static_cast<void>(reasoning_.push("\n"));  // a block of its own
  if (options_.reasoning != ReasoningFormat::separate) content(tag);
}

void OutputSink::reasoning(std::string_view text) {
  if (options_.reasoning != ReasoningFormat::separate) content(text);
  if (options_.reasoning == ReasoningFormat::none) return;
  const std::string certain = reasoning_.push(text);
  message_.reasoning += certain;
  say(OutputEvent::Kind::reasoning, certain);
}

void OutputSink::close_reasoning(std::string_view tag) {
  static_cast<void>(reasoning_.release());
  if (options_.reasoning == ReasoningFormat::separate) return content_.drop_leading(true);
  content(tag);
}

void OutputSink::content(std::string_view text) {
  say_content(content_.push(text));
}

void OutputSink::new_paragraph() {
  static_cast<void>(content_.release());
  if (blank()) return content_.drop_leading(true);
  content("\n");
}

std::string OutputSink::made_id() const {
  static constexpr std::string_view kLetters =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string id = options_.short_ids ? "" : "call_";
  const size_t length = id.size() + (options_.short_ids ? 9 : 24);
  const auto index = static_cast<uint64_t>(calls() - 1);
  for (uint64_t word = 0; id.size() < length; word++) {
    // Ten letters use 60 of 64 bits.
    uint64_t bits = id_bits(options_.id_seed, index, word << 32);
    for (int i = 0; i < 10 && id.size() < length; i++, bits /= kLetters.size())
      id += kLetters[bits % kLetters.size()];
  }
  return id;
}

void OutputSink::begin_call(std::string_view name, std::string_view id, bool id_follows) {
  static_cast<void>(content_.release());
  if (blank()) content_.drop_leading(true);
  message_.tool_calls.push_back({.id = std::string(id), .name = std::string(name)});
  held_call_ = true;
  held_arguments_.clear();
  if (!id_follows || !id.empty()) name_call({});
}

void OutputSink::name_call(std::string_view id) {
  if (!held_call_) return;
  held_call_ = false;
  ToolCall& call = message_.tool_calls.back();
  if (call.id.empty()) call.id = id.empty() ? made_id() : std::string(id);
  events_.push_back({.kind = OutputEvent::Kind::call,
                     .index = static_cast<int32_t>(calls()) - 1,
                     .id = call.id,
                     .name = call.name});
  arguments(std::exchange(held_arguments_, {}));
}

void OutputSink::arguments(std::string_view text) {
  if (held_call_) {
    held_arguments_ += text;
    if (held_arguments_.size() > kHeldArgumentsMax) name_call({});
    return;
  }
  message_.tool_calls.back().arguments += text;
  say(OutputEvent::Kind::arguments, text);
}

void OutputSink::end_call(bool complete) {
  name_call({});
  message_.tool_calls.back().complete = complete;
}

void OutputSink::finish() {
  if (!message_.tool_calls.empty()) return name_call({});
  static_cast<void>(reasoning_.release());
  say_content(content_.release());
}

}  // namespace troika
