// Text from files and requests made safe for a terminal or a log line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace troika {

/// `text` with control characters, quotes, backslashes and invalid bytes as \xNN, cut after
/// `bytes_max` with "...".
std::string printable(std::string_view text, size_t bytes_max = 80);

}  // namespace troika
