#include "cli/token_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "core/printable.h"

namespace troika::cli {
namespace {

constexpr std::string_view kSpace = " \t\r\n\f\v";

Result<std::string> read_all(int descriptor, const std::string& path) {
  std::string text;
  std::array<char, 1 << 16> block;
  while (true) {
    const ssize_t count = read(descriptor, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      return fail(ErrorCode::not_found, "{}: cannot read: {}", path, std::strerror(errno));
    if (count == 0) return text;
    text.append(block.data(), static_cast<size_t>(count));
    if (std::ssize(text) > kTextBytesMax)
      return fail(ErrorCode::exhausted, "{}: more than {} bytes, wanted a prompt", path,
                  kTextBytesMax);
  }
}

}  // namespace

Result<std::string> read_text_file(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return fail(ErrorCode::not_found, "{}: cannot open: {}", path, std::strerror(errno));
  Result<std::string> text = read_all(descriptor, path);
  close(descriptor);
  return text;
}

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
