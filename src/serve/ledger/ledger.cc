#include "serve/ledger/ledger.h"

#include <chrono>
#include <ctime>

namespace troika::serve {

std::string_view outcome_name(Outcome outcome) {
  constexpr std::string_view kNames[] = {"stop",    "length", "cancelled",
                                         "expired", "failed", "interrupted"};
  return kNames[static_cast<size_t>(outcome)];
}

Outcome outcome_of(FinishReason finish) {
  switch (finish) {
    case FinishReason::stop:
    case FinishReason::stop_string:
      return Outcome::stop;
    case FinishReason::length:
      return Outcome::length;
    case FinishReason::cancelled:
      return Outcome::cancelled;
    case FinishReason::expired:
      return Outcome::expired;
    case FinishReason::none:
      break;
  }
  return Outcome::failed;
}

TokenUsage& TokenUsage::operator+=(const TokenUsage& other) {
  prompt_tokens += other.prompt_tokens;
  cached_tokens += other.cached_tokens;
  answer_tokens += other.answer_tokens;
  drafts_proposed += other.drafts_proposed;
  drafts_accepted += other.drafts_accepted;
  return *this;
}

std::string day_of(int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday);
}

int64_t unix_time_ms() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

}  // namespace troika::serve
