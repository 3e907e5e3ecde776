#include <algorithm>
#include <array>

#include "text/output/arguments.h"
#include "text/output/json_text.h"

namespace troika {
namespace {

// What a value that is not text says: JSON, a constant of Python, else a string after all.
std::string value_of(std::string_view raw) {
  const std::string_view text = trimmed(raw);
  if (is_json(text)) return std::string(text);
  if (text == "True") return "true";
  if (text == "False") return "false";
  if (text == "None") return "null";
  return quote_json(raw);
}

class XmlArguments final : public ArgumentsReader {
 public:
  XmlArguments(const XmlSyntax& syntax, const OutputTool* tool)
      : syntax_(syntax),
        tool_(tool),
        newline_close_("\n" + std::string(syntax.value_close)),
        ends_{newline_close_, syntax.value_close} {}

  Reading read(Unread& unread, std::string& json) override {
    if (!begun_) json += '{';
    begun_ = true;
    for (;;) {
      if (in_value_) {
        if (!value(unread, json)) return Reading::more;
      } else if (const Reading end = parameter(unread, json); end != Reading::more || !in_value_) {
        return end;
      }
    }
  }

 private:
  // Between values: the next parameter's name, or the end.
  Reading parameter(Unread& unread, std::string& json) {
    unread.take_space();
    Peek close(unread);
    if (close.literal(syntax_.call_close)) {
      unread.take(close.bytes());
      json += '}';
      return Reading::done;
    }
    Peek at(unread);
    std::string name, kind;
    bool found = at.literal(syntax_.open) && at.until(syntax_.name_end, name);
    if (found && syntax_.typed)
      found = at.space() && at.literal("string=\"") && at.until("\">", kind);
    if (found && !syntax_.value_open.empty()) found = at.space() && at.literal(syntax_.value_open);
    if (!found) {
      if (close.verdict() == Verdict::more || at.verdict() == Verdict::more) return Reading::more;
      json += '}';
      return Reading::broken;
    }
    unread.take(at.bytes());
    begin(name, kind, json);
    return Reading::more;
  }

  void begin(std::string_view name, std::string_view kind, std::string& json) {
    in_value_ = fresh_ = true;
    text_ = syntax_.typed ? kind != "false"
                          : tool_ != nullptr && tool_->kind_of(name) == ParameterKind::text;
    held_.clear();
    json += first_ ? "" : ", ";
    first_ = false;
    json += quote_json(name);
    json += ": ";
    if (text_) json += '"';
  }

  // Whether the value is over.
  bool value(Unread& unread, std::string& json) {
    if (fresh_ && syntax_.newlines) {
      if (unread.text().empty()) return false;
      if (unread.text().front() == '\n') unread.take(1);
    }
    fresh_ = false;
    const MarkerSearch end =
        find_marker(unread, syntax_.newlines ? std::span(ends_) : std::span(ends_).subspan(1));
    add(unread.text().substr(0, end.before), json);
    unread.take(end.before);
    if (end.marker == MarkerSearch::kNone) return false;
    unread.take(syntax_.newlines ? ends_[end.marker].size() : syntax_.value_close.size());
    json += text_ ? "\"" : value_of(held_);
    in_value_ = false;
    return true;
  }

  void add(std::string_view text, std::string& json) {
    if (text_) return append_json_escaped(text, json);
    held_ += text;
    if (held_.size() <= kHeldMax) return;
    text_ = true;
    json += '"';
    append_json_escaped(held_, json);
    held_.clear();
  }

  const XmlSyntax& syntax_;
  const OutputTool* tool_;
  std::string newline_close_;
  std::array<std::string_view, 2> ends_;
  bool begun_ = false;
  bool first_ = true;
  bool in_value_ = false;
  bool fresh_ = false;  // nothing of the value was read
  bool text_ = false;   // the value is text, else held until its end
  std::string held_;
};

}  // namespace

std::unique_ptr<ArgumentsReader> read_xml_arguments(const XmlSyntax& syntax,
                                                    const OutputTool* tool) {
  return std::make_unique<XmlArguments>(syntax, tool);
}

}  // namespace troika
