// Harmony: a row of messages, each with a header that says who hears it.
//
//   <|start|>assistant to=functions.N<|channel|>commentary json<|message|>T<|call|>
//
// The prompt ends inside of the first header. Source: the format as published with gpt-oss.
#include <array>

#include "text/output/json_text.h"
#include "text/output/output_reader.h"

namespace troika {
namespace {

constexpr std::string_view kStart = "<|start|>", kChannel = "<|channel|>", kMessage = "<|message|>";
constexpr std::string_view kEnds[] = {"<|end|>", "<|call|>", "<|return|>", kStart};
constexpr std::string_view kHeaderParts[] = {kMessage, kStart};
constexpr size_t kHeaderMax = 1024;  // bytes

// The word behind `mark` in a header.
std::string_view word_behind(std::string_view header, std::string_view mark) {
  const size_t at = header.find(mark);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = header.substr(at + mark.size());
  return rest.substr(0, rest.find_first_of(" \n<"));
}

class HarmonyOutput final : public OutputReader {
 public:
  explicit HarmonyOutput(ReaderContext context) : context_(context) {
    const std::string_view prompt = context.options.generation_prompt;
    const size_t start = prompt.rfind(kStart);
    if (start == std::string_view::npos) return;
    header_ = prompt.substr(start + kStart.size());
    if (const size_t message = header_.find(kMessage); message != std::string::npos) {
      header_.resize(message);
      open_ = true;
    }
  }

  bool step(Unread& unread, OutputSink& sink) override {
    if (open_) {
      open_ = false;
      open(sink);
      return true;
    }
    switch (state_) {
      case State::first:
        return first(unread);
      case State::header:
        return header(unread, sink);
      case State::text:
        return text(unread, sink);
      case State::json:
        return json(unread, sink);
    }
    return false;
  }

  OutputPhase phase() const override {
    if (state_ == State::text && kind_ == Kind::reasoning) return OutputPhase::reasoning;
    return kind_ == Kind::call ? OutputPhase::call : OutputPhase::content;
  }

 private:
  enum class State { first, header, text, json };
  enum class Kind { content, reasoning, call };

  // Models that were not asked for the format answer in plain text.
  bool first(Unread& unread) {
    bool cut = unread.text().empty();
    for (const std::string_view begin : {kStart, kChannel, kMessage, std::string_view(" to=")}) {
      Peek at(unread);
      if (at.literal(begin)) return (state_ = State::header, true);
      cut = cut || at.verdict() == Verdict::more;
    }
    if (cut && !unread.ended()) return false;
    state_ = State::text;
    return true;
  }

  bool header(Unread& unread, OutputSink& sink) {
    const MarkerSearch found = find_marker(unread, kHeaderParts);
    header_ += unread.text().substr(0, found.before);
    unread.take(found.before);
    if (header_.size() > kHeaderMax) header_.resize(kHeaderMax);
    if (found.marker == MarkerSearch::kNone) return false;
    unread.take(kHeaderParts[found.marker].size());
    if (kHeaderParts[found.marker] == kStart)
      header_.clear();
    else
      open(sink);
    return true;
  }

  // A header is complete: what is its text?
  void open(OutputSink& sink) {
    const std::string_view channel = word_behind(header_, kChannel);
    const std::string_view recipient = word_behind(header_, " to=");
    tag_ = std::string(kChannel) + std::string(channel) + std::string(kMessage);
    state_ = State::text;
    if (recipient.starts_with("functions.") && recipient.size() > 10 && context_.may_call(sink)) {
      kind_ = Kind::call;
      state_ = State::json;
      reader_ = nullptr;
      sink.begin_call(recipient.substr(10), {});
    } else if (channel == "analysis" || (!recipient.empty() && recipient != "user" &&
                                         !recipient.starts_with("functions."))) {
      kind_ = Kind::reasoning;
      sink.open_reasoning(tag_);
    } else {
      kind_ = Kind::content;
      sink.new_paragraph();
    }
    header_.clear();
  }

  bool text(Unread& unread, OutputSink& sink) {
    const MarkerSearch found = find_marker(unread, kEnds);
    const std::string_view text = unread.text().substr(0, found.before);
    if (kind_ == Kind::reasoning)
      sink.reasoning(text);
    else if (kind_ == Kind::call)
      sink.arguments(text);
    else
      sink.content(text);
    unread.take(found.before);
    if (found.marker == MarkerSearch::kNone) {
      if (unread.ended() && kind_ == Kind::call) sink.end_call(true);
      return false;
    }
    close(kEnds[found.marker], sink);
    unread.take(kEnds[found.marker].size());
    return true;
  }

  void close(std::string_view end, OutputSink& sink) {
    if (kind_ == Kind::reasoning) sink.close_reasoning(end == kStart ? "" : end);
    if (kind_ == Kind::call) sink.end_call(true);
    kind_ = Kind::content;
    state_ = State::header;
  }

  // Arguments: JSON up to its last bracket, other text up to the end of the message.
  bool json(Unread& unread, OutputSink& sink) {
    if (reader_ == nullptr) {
      unread.take_space();
      if (unread.text().empty()) return false;
      reader_ = read_json_arguments();
      if (unread.text().front() != '{') return (state_ = State::text, true);
    }
    std::string json;
    const Reading reading = reader_->read(unread, json);
    sink.arguments(json);
    if (reading == Reading::more) return false;
    sink.end_call(true);
    kind_ = Kind::content;
    state_ = State::header;
    return true;
  }

  ReaderContext context_;
  State state_ = State::first;
  Kind kind_ = Kind::content;
  bool open_ = false;  // the prompt has the whole header
  std::string header_, tag_;
  std::unique_ptr<ArgumentsReader> reader_;
};

}  // namespace

std::unique_ptr<OutputReader> read_harmony_output(ReaderContext context) {
  return std::make_unique<HarmonyOutput>(context);
}

}  // namespace troika
