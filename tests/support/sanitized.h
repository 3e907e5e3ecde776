// Whether a sanitizer looks on, which makes everything many times slower: tests do less then.
#pragma once

namespace troika::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace troika::testing
