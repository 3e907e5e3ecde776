#include "cli/token_file.h"

#include <charconv>

#include "core/printable.h"
#include "core/text_file.h"

namespace troika::cli {
namespace {

constexpr std::string_view kSpace = " \t\r\n\f\v";

}  // namespace

Result<std::vector<TokenId>> parse_token_ids(std::string_view text, std::string_view name) {
  std::vector<TokenId> ids;
  size_t at = text.find_first_not_of(kSpace);
  while (at != std::string_view::npos) {
    const size_t end = std::min(text.find_first_of(kSpace, at), text.size());
    const std::string_view word = text.substr(at, end - at);
    int32_t id = -1;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (error != std::errc() || stop != word.data() + word.size() || id < 0)
      return fail(ErrorCode::invalid_argument,
                  "{}: entry {} at byte {} is \"{}\", wanted a token id of 0 to {}", name,
                  ids.size() + 1, at, printable(word), INT32_MAX);
    ids.push_back(static_cast<TokenId>(id));
    at = text.find_first_not_of(kSpace, end);
  }
  if (ids.empty())
    return fail(ErrorCode::invalid_argument,
                "{}: no token ids, wanted at least one (decimal, separated by white space)", name);
  return ids;
}

Result<std::vector<TokenId>> read_token_file(const std::string& path) {
  TROIKA_TRY(const std::string text, read_text_file(path));
  return parse_token_ids(text, path);
}

}  // namespace troika::cli
