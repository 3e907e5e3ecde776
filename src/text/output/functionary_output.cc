// Functionary 3.2: a row of messages, each behind ">>>" and a line that names who hears it: "all",
// or a tool, whose arguments follow. What follows the tool "python" is a program unless it begins
// like JSON. The prompt ends in the first ">>>".
#include "text/output/json_text.h"
#include "text/output/output_reader.h"

namespace troika {
namespace {

constexpr std::string_view kNext[] = {">>>"};

class FunctionaryOutput final : public OutputReader {
 public:
  explicit FunctionaryOutput(ReaderContext context) : context_(context) {}

  bool step(Unread& unread, OutputSink& sink) override {
    switch (state_) {
      case State::first:
        return first(unread, sink);
      case State::text:
      case State::code:
        return text(unread, sink);
      case State::arguments:
        return arguments(unread, sink);
    }
    return false;
  }

  OutputPhase phase() const override {
    return state_ == State::arguments || state_ == State::code ? OutputPhase::call
                                                               : OutputPhase::content;
  }

 private:
  enum class State { first, text, arguments, code };

  bool first(Unread& unread, OutputSink& sink) {
    Peek at(unread);
    static_cast<void>(at.optional(kNext[0]));
    const Verdict verdict = begin(at, unread, sink);
    if (verdict == Verdict::no) state_ = State::text;
    return verdict != Verdict::more;
  }

  // A line that names a recipient, behind what `at` read.
  Verdict begin(Peek at, Unread& unread, OutputSink& sink) {
    std::string name;
    const bool found = !at.failed() && at.until("\n", name, ">{ ");
    const bool all = name == "all";
    const OutputTool* tool = find_tool(context_.options.tools, name);
    if (!found && at.verdict() == Verdict::more && !unread.ended()) return Verdict::more;
    if (!found || !(all || (tool != nullptr && context_.may_call(sink)))) return Verdict::no;
    if (all) {
      end_code(sink);
      sink.new_paragraph();
      state_ = State::text;
      unread.take(at.bytes());
      return Verdict::yes;
    }
    Peek behind = at;
    const bool json = behind.space() && behind.next_is("{[\"");
    const bool code = !json && name == "python" && behind.verdict() == Verdict::no;
    if (!json && !code)
      return behind.verdict() == Verdict::more && !unread.ended() ? Verdict::more : Verdict::no;
    unread.take(json ? behind.bytes() : at.bytes());
    end_code(sink);
    begin_call(name, code, sink);
    return Verdict::yes;
  }

  void begin_call(std::string_view name, bool code, OutputSink& sink) {
    sink.begin_call(name, {});
    state_ = code ? State::code : State::arguments;
    if (code)
      sink.arguments("{\"code\": \"");
    else
      reader_ = read_json_arguments();
  }

  void end_code(OutputSink& sink) {
    if (state_ != State::code) return;
    sink.arguments("\"}");
    sink.end_call(true);
    state_ = State::text;
  }

  // Text, or a program.
  void say(std::string_view text, OutputSink& sink) {
    if (state_ != State::code) return sink.content(text);
    std::string json;
    append_json_escaped(text, json);
    sink.arguments(json);
  }

  bool text(Unread& unread, OutputSink& sink) {
    const MarkerSearch found = find_marker(unread, kNext);
    say(unread.text().substr(0, found.before), sink);
    unread.take(found.before);
    if (found.marker == MarkerSearch::kNone) {
      if (unread.ended()) end_code(sink);
      return false;
    }
    Peek at(unread);
    static_cast<void>(at.literal(kNext[0]));
    const Verdict verdict = begin(at, unread, sink);
    if (verdict == Verdict::more) return false;
    if (verdict == Verdict::yes) return true;
    // The first of four may be text before a mark.
    say(">", sink);
    unread.take(1);
    return true;
  }

  bool arguments(Unread& unread, OutputSink& sink) {
    std::string json;
    const Reading reading = reader_->read(unread, json);
    sink.arguments(json);
    if (reading == Reading::more) return false;
    sink.end_call(true);
    state_ = State::text;
    return true;
  }

  ReaderContext context_;
  State state_ = State::first;
  std::unique_ptr<ArgumentsReader> reader_;
};

}  // namespace

std::unique_ptr<OutputReader> read_functionary_output(ReaderContext context) {
  return std::make_unique<FunctionaryOutput>(context);
}

}  // namespace troika
