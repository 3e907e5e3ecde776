#include "text/jinja/markup.h"

namespace troika::jinja {
namespace {

struct MarkupDeleter {
  void operator()(const std::string* text) const { delete text; }
};

}  // namespace

Text make_markup(std::string bytes) {
  return Text(new const std::string(std::move(bytes)), MarkupDeleter());
}

bool is_markup(const Text& text) {
  return std::get_deleter<MarkupDeleter>(text) != nullptr;
}

std::string escaped_markup(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&#34;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

}  // namespace troika::jinja
