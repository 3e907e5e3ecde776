// Our own bugs stop the process, with file and line. Never on anything that a file or a request
// controls.
#pragma once

namespace troika {

/// Prints `condition`, file and line to stderr and aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace troika

#define TROIKA_CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::troika::check_failed(#condition, __FILE__, __LINE__))

#ifdef NDEBUG
#define TROIKA_DCHECK(condition) void(0)
#else
#define TROIKA_DCHECK(condition) TROIKA_CHECK(condition)
#endif
