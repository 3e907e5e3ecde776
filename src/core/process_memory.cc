#include "core/process_memory.h"

#include <charconv>
#include <fstream>
#include <string>
#include <string_view>

namespace troika {

std::optional<int64_t> peak_resident_bytes() {
  constexpr std::string_view kKey = "VmHWM:";
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(kKey)) continue;
    const size_t digits = line.find_first_of("0123456789");
    if (digits == std::string::npos) return std::nullopt;
    int64_t kibibytes = 0;
    const auto [stop, error] =
        std::from_chars(line.data() + digits, line.data() + line.size(), kibibytes);
    return error == std::errc() ? std::optional(kibibytes * 1024) : std::nullopt;
  }
  return std::nullopt;
}

void reset_peak_resident_bytes() {
  std::ofstream("/proc/self/clear_refs") << "5";  // proc(5): resets the peak, touches nothing else
}

}  // namespace troika
