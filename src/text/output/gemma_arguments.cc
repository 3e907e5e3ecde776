// Gemma's notation of values. Keys are bare words, strings stand raw between <|"|> marks, all else
// is as in JSON.
#include <array>

#include "text/output/arguments.h"
#include "text/output/json_text.h"

namespace troika {
namespace {

constexpr std::string_view kMark = "<|\"|>";
constexpr size_t kDepthMax = 64;

class GemmaArguments final : public ArgumentsReader {
 public:
  Reading read(Unread& unread, std::string& json) override {
    for (;;) {
      const Reading reading = step(unread, json);
      if (reading != Reading::done) return reading;
      if (state_ == State::after && open_.empty()) return Reading::done;
    }
  }

 private:
  enum class State { value, item, key, after, text, quoted, word };

  // `done`: this piece is read, the next one may follow.
  Reading step(Unread& unread, std::string& json) {
    switch (state_) {
      case State::text:
        return text(unread, json);
      case State::quoted:
        return quoted(unread, json);
      case State::word:
        return word(unread, json);
      default:
        break;
    }
    unread.take_space();
    if (unread.text().empty()) return Reading::more;
    if (state_ == State::key) return key(unread, json);
    if (state_ == State::after) return after(unread, json);
    if (state_ == State::item && unread.text().front() == ']') return close(unread, json);
    return value(unread, json);
  }

  Reading value(Unread& unread, std::string& json) {
    const char c = unread.text().front();
    if (c == '{' || c == '[') {
      if (open_.size() == kDepthMax) return Reading::broken;
      open_ += c;
      json += c;
      unread.take(1);
      state_ = c == '{' ? State::key : State::item;
      return Reading::done;
    }
    Peek mark(unread);
    if (mark.literal(kMark)) {
      unread.take(kMark.size());
      json += '"';
      state_ = State::text;
    } else if (mark.verdict() == Verdict::more) {
      return Reading::more;
    } else {
      scanner_ = {};
      word_.clear();
      state_ = c == '"' ? State::quoted : State::word;
    }
    return Reading::done;
  }

  Reading text(Unread& unread, std::string& json) {
    const MarkerSearch end = find_marker(unread, std::array{kMark});
    append_json_escaped(unread.text().substr(0, end.before), json);
    unread.take(end.before);
    if (end.marker == MarkerSearch::kNone) return Reading::more;
    unread.take(kMark.size());
    json += '"';
    state_ = State::after;
    return Reading::done;
  }

  Reading quoted(Unread& unread, std::string& json) {
    const size_t bytes = scanner_.take(unread.text());
    json += unread.text().substr(0, bytes);
    unread.take(bytes);
    if (!scanner_.done()) return Reading::more;
    state_ = State::after;
    return Reading::done;
  }

  // A number or a constant; anything else that stands there is a string.
  Reading word(Unread& unread, std::string& json) {
    const std::string_view all = unread.text().substr(0, kHeldMax + 1 - word_.size());
    const size_t bytes = std::min(all.find_first_of(",]}"), all.size());
    word_ += all.substr(0, bytes);
    const bool over = bytes < all.size();
    unread.take(bytes);
    if (word_.size() > kHeldMax) return Reading::broken;
    if (!over) return Reading::more;
    const std::string_view plain = trimmed(word_);
    json += is_json(plain) ? std::string(plain) : quote_json(plain);
    state_ = State::after;
    return Reading::done;
  }

  Reading key(Unread& unread, std::string& json) {
    if (unread.text().front() == '}') return close(unread, json);
    Peek at(unread);
    std::string name;
    if (!at.until(":", name, "{}[],"))
      return at.verdict() == Verdict::more ? Reading::more : Reading::broken;
    unread.take(at.bytes());
    std::string_view plain = trimmed(name);
    for (const std::string_view mark : {kMark, std::string_view("\"")})
      if (plain.size() >= 2 * mark.size() && plain.starts_with(mark) && plain.ends_with(mark))
        plain = plain.substr(mark.size(), plain.size() - 2 * mark.size());
    json += quote_json(plain);
    json += ": ";
    state_ = State::value;
    return Reading::done;
  }

  Reading after(Unread& unread, std::string& json) {
    const char c = unread.text().front();
    if (c != ',') return close(unread, json);
    unread.take(1);
    json += ", ";
    state_ = open_.back() == '{' ? State::key : State::value;
    return Reading::done;
  }

  Reading close(Unread& unread, std::string& json) {
    const char wanted = open_.back() == '{' ? '}' : ']';
    if (unread.text().front() != wanted) return Reading::broken;
    unread.take(1);
    json += wanted;
    open_.pop_back();
    state_ = State::after;
    return Reading::done;
  }

  State state_ = State::value;
  std::string open_;  // the brackets that are open
  JsonScanner scanner_;
  std::string word_;
};

}  // namespace

std::unique_ptr<ArgumentsReader> read_gemma_arguments() {
  return std::make_unique<GemmaArguments>();
}

}  // namespace troika
