#include "core/text_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace troika {
namespace {

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
      return fail(ErrorCode::exhausted, "{}: more than {} bytes, wanted a text", path,
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

}  // namespace troika
