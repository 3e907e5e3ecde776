#include "cli/streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

namespace troika::cli {
namespace {

/// Writes all of `text`; the error number of the first failure, or 0.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

}  // namespace

void prepare_streams() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) != -1) continue;
    // The lowest free number is this one. Opened for reading, so that a write still fails.
    if (open("/dev/null", O_RDONLY) < 0) return;
  }
  std::signal(SIGPIPE, SIG_IGN);
}

Status write_stdout(std::string_view text) {
  if (const int error = write_all(STDOUT_FILENO, text); error != 0)
    return fail(ErrorCode::exhausted, "cannot write to stdout: {}", std::strerror(error));
  return ok();
}

void write_stderr(std::string_view text) {
  (void)write_all(STDERR_FILENO, text);
}

void print_error(std::string_view message) {
  std::string line = "troika: ";
  line += message;
  std::ranges::replace(line, '\n', ' ');
  line += '\n';
  write_stderr(line);
}

}  // namespace troika::cli
