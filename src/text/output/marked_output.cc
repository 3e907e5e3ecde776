// Output that is one message: reasoning first, then text, in which marked calls may stand.
//
//   opening → reasoning → content ⇄ arguments → object_end → behind a call → content
#include <algorithm>
#include <vector>

#include "text/output/output_reader.h"

namespace troika {
namespace {

// Where the tags are tokens of their own, reasoning may begin anywhere; these are also text.
bool only_at_start(std::string_view reasoning_open) {
  return reasoning_open.find('|') == std::string_view::npos;
}

class MarkedOutput final : public OutputReader {
 public:
  explicit MarkedOutput(ReaderContext context)
      : context_(context), syntax_(tool_syntax(context.format.family)) {
    content_markers_.assign(syntax_.openers.begin(), syntax_.openers.end());
    content_markers_.insert(content_markers_.end(), syntax_.dropped.begin(), syntax_.dropped.end());
    const OutputFormat& format = context.format;
    reasoning_markers_.push_back(format.reasoning_close);
    if (syntax_.in_reasoning)
      reasoning_markers_.insert(reasoning_markers_.end(), syntax_.openers.begin(),
                                syntax_.openers.end());
    if (format.reasoning_open.empty()) {
      state_ = State::content;
      return;
    }
    if (!only_at_start(format.reasoning_open)) content_markers_.push_back(format.reasoning_open);
  }

  bool step(Unread& unread, OutputSink& sink) override {
    switch (state_) {
      case State::start:
        return start(sink);
      case State::opening:
        return opening(unread, sink);
      case State::reasoning:
        return reasoning(unread, sink);
      case State::content:
        return content(unread, sink);
      case State::arguments:
        return arguments(unread, sink);
      case State::object_end:
        return object_end(unread, sink);
      case State::behind:
        return behind(unread, sink);
    }
    return false;
  }

  OutputPhase phase() const override {
    if (state_ == State::reasoning) return OutputPhase::reasoning;
    return state_ == State::arguments || state_ == State::object_end ? OutputPhase::call
                                                                     : OutputPhase::content;
  }

 private:
  enum class State { start, opening, reasoning, content, arguments, object_end, behind };

  // The prompt may have opened reasoning, or have closed it.
  bool start(OutputSink& sink) {
    switch (reasoning_start(context_.format, context_.options.generation_prompt)) {
      case ReasoningStart::unknown:
        state_ = State::opening;
        break;
      case ReasoningStart::open:
        sink.open_reasoning({});
        state_ = State::reasoning;
        break;
      case ReasoningStart::closed:
        sink.close_reasoning({});
        state_ = State::content;
    }
    return true;
  }

  bool opening(Unread& unread, OutputSink& sink) {
    Peek at(unread);
    if (at.space() && at.literal(context_.format.reasoning_open)) {
      unread.take(at.bytes());
      sink.open_reasoning(context_.format.reasoning_open);
      state_ = State::reasoning;
      return true;
    }
    if (at.verdict() == Verdict::more && !unread.ended()) return false;
    state_ = State::content;
    return true;
  }

  bool reasoning(Unread& unread, OutputSink& sink) {
    const MarkerSearch found = find_marker(unread, reasoning_markers_);
    sink.reasoning(unread.text().substr(0, found.before));
    unread.take(found.before);
    if (found.marker == MarkerSearch::kNone) return false;
    const std::string_view marker = reasoning_markers_[found.marker];
    if (found.marker > 0) {
      const Verdict verdict = begin_call(unread, sink);
      if (verdict == Verdict::no) {
        sink.reasoning(marker);
        unread.take(marker.size());
      }
      return verdict != Verdict::more;
    }
    unread.take(marker.size());
    sink.close_reasoning(marker);
    state_ = State::content;
    return true;
  }

  bool content(Unread& unread, OutputSink& sink) {
    const MarkerSearch found = find_marker(unread, content_markers_);
    sink.content(unread.text().substr(0, found.before));
    unread.take(found.before);
    if (found.marker == MarkerSearch::kNone) return false;
    const std::string_view marker = content_markers_[found.marker];
    if (found.marker < syntax_.openers.size()) {
      const Verdict verdict = begin_call(unread, sink);
      if (verdict == Verdict::more) return false;
      if (verdict == Verdict::yes) return true;
      sink.content(marker);
    } else if (marker == context_.format.reasoning_open) {
      sink.open_reasoning(marker);
      state_ = State::reasoning;
    }
    unread.take(marker.size());
    return true;
  }

  // At an opener. A call cut off before its name is of no use, if it is sure to have been one.
  Verdict begin_call(Unread& unread, OutputSink& sink) {
    if (!context_.may_call(sink) || (syntax_.whole_message && !sink.blank())) return Verdict::no;
    return begin_call(Peek(unread), syntax_.head, unread, sink);
  }

  Verdict begin_call(Peek at, HeadReader reader, Unread& unread, OutputSink& sink) {
    CallHead head;
    const bool bare = !syntax_.bare.empty() && unread.text().starts_with(syntax_.bare);
    if (!reader(at, syntax_, context_.options.tools, head)) {
      const bool cut = at.verdict() == Verdict::more;
      return cut && (!unread.ended() || (syntax_.certain && !bare)) ? Verdict::more : Verdict::no;
    }
    unread.take(at.bytes());
    if (state_ == State::reasoning) sink.close_reasoning({});
    sink.begin_call(head.name, head.id, head.member && syntax_.id_follows);
    take_arguments(head, sink);
    return Verdict::yes;
  }

  void take_arguments(const CallHead& head, OutputSink& sink) {
    if (head.arguments) {
      sink.arguments(*head.arguments);
      sink.end_call(true);
      state_ = State::behind;
      return;
    }
    member_ = head.member;
    braces_ = head.braces;
    reader_ = reader_for(head);
    state_ = State::arguments;
  }

  std::unique_ptr<ArgumentsReader> reader_for(const CallHead& head) const {
    if (head.code) return read_code_arguments();
    if (head.python) return read_python_arguments();
    switch (syntax_.style) {
      case ArgumentStyle::json:
        return read_json_arguments();
      case ArgumentStyle::xml:
        return read_xml_arguments(*syntax_.xml, find_tool(context_.options.tools, head.name));
      case ArgumentStyle::gemma:
        return read_gemma_arguments();
      case ArgumentStyle::python:
        return read_python_arguments();
    }
    return nullptr;
  }

  bool arguments(Unread& unread, OutputSink& sink) {
    json_.clear();
    const Reading reading = reader_->read(unread, json_);
    sink.arguments(json_);
    if (reading == Reading::more) return false;
    if (member_) {
      state_ = State::object_end;
      return true;
    }
    sink.end_call(reading == Reading::done);
    state_ = State::behind;
    return true;
  }

  bool object_end(Unread& unread, OutputSink& sink) {
    Peek at(unread);
    std::string id;
    const bool good = read_object_end(at, braces_, id);
    if (!good && at.verdict() == Verdict::more && !unread.ended()) return false;
    if (good) unread.take(at.bytes());
    sink.name_call(id);
    // The arguments are whole, however the object ends.
    sink.end_call(true);
    state_ = State::behind;
    return true;
  }

  bool behind(Unread& unread, OutputSink& sink) {
    Peek at(unread);
    const bool space = at.space();
    if (syntax_.next != nullptr && context_.may_call(sink)) {
      const Verdict verdict = begin_call(at, syntax_.next, unread, sink);
      if (verdict != Verdict::no) return verdict == Verdict::yes;
    }
    for (const std::string_view closer : syntax_.closers) {
      if (!space || at.failed()) break;
      if (!at.optional(closer)) continue;
      unread.take(at.bytes());
      return true;
    }
    if (at.failed() && at.verdict() == Verdict::more && !unread.ended()) return false;
    state_ = State::content;
    return true;
  }

  ReaderContext context_;
  const ToolSyntax& syntax_;
  std::vector<std::string_view> content_markers_, reasoning_markers_;
  State state_ = State::start;
  std::unique_ptr<ArgumentsReader> reader_;
  bool member_ = false;
  int32_t braces_ = 1;
  std::string json_;
};

}  // namespace

ReasoningStart reasoning_start(const OutputFormat& format, std::string_view prompt) {
  const size_t open = prompt.rfind(format.reasoning_open);
  const size_t close = prompt.rfind(format.reasoning_close);
  const bool closed = close != std::string_view::npos;
  if (open != std::string_view::npos && (!closed || close < open)) return ReasoningStart::open;
  return closed ? ReasoningStart::closed : ReasoningStart::unknown;
}

std::unique_ptr<OutputReader> read_marked_output(ReaderContext context) {
  return std::make_unique<MarkedOutput>(context);
}

}  // namespace troika
