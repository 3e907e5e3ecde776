#include "core/result.h"

#include <array>

namespace troika {

std::string_view error_code_name(ErrorCode code) {
  constexpr std::array<std::string_view, 8> kNames = {"invalid_argument", "not_found", "corrupt",
                                                      "unsupported",      "exhausted", "cancelled",
                                                      "device_lost",      "internal"};
  return kNames[static_cast<size_t>(code)];
}

}  // namespace troika
