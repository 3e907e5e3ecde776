#include "text/output/arguments.h"
#include "text/output/json_text.h"

namespace troika {
namespace {

class JsonArguments final : public ArgumentsReader {
 public:
  Reading read(Unread& unread, std::string& json) override {
    if (!begun_) {
      unread.take_space();
      if (unread.text().empty()) return Reading::more;
      const char first = unread.text().front();
      held_back_ = first != '{' && first != '[';
      begun_ = true;
    }
    const size_t bytes = scanner_.take(unread.text());
    (held_back_ ? held_ : json) += unread.text().substr(0, bytes);
    unread.take(bytes);
    if (held_.size() > kHeldMax) {
      json += held_;
      held_.clear();
      held_back_ = false;
    }
    if (!scanner_.done()) return Reading::more;
    if (held_back_) json += plain();
    return Reading::done;
  }

 private:
  std::string plain() const {
    std::string text;
    if (decode_json_string(held_, text)) return text;
    return held_ == "null" ? "{}" : held_;
  }

  JsonScanner scanner_;
  bool begun_ = false;
  bool held_back_ = false;
  std::string held_;
};

class CodeArguments final : public ArgumentsReader {
 public:
  Reading read(Unread& unread, std::string& json) override {
    if (!begun_) json += "{\"code\": \"";
    begun_ = true;
    append_json_escaped(unread.text(), json);
    unread.take(unread.text().size());
    if (!unread.ended()) return Reading::more;
    json += "\"}";
    return Reading::done;
  }

 private:
  bool begun_ = false;
};

}  // namespace

std::unique_ptr<ArgumentsReader> read_json_arguments() {
  return std::make_unique<JsonArguments>();
}

std::unique_ptr<ArgumentsReader> read_code_arguments() {
  return std::make_unique<CodeArguments>();
}

}  // namespace troika
