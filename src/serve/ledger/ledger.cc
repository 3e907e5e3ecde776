#include "serve/ledger/ledger.h"

#include <chrono>
#include <cstdio>
#include <ctime>

#include "core/printable.h"

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
    case FinishReason::no_token:
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

Result<int64_t> day_begins_ms(std::string_view day) {
  const std::string text(day);
  std::tm utc{};
  int year = 0;
  int end = 0;
  const int read =
      std::sscanf(text.c_str(), "%4d-%2d-%2d%n", &year, &utc.tm_mon, &utc.tm_mday, &end);
  utc.tm_year = year - 1900;
  utc.tm_mon--;
  const int64_t ms = static_cast<int64_t>(timegm(&utc)) * 1000;
  // A day that there is comes back as it was.
  if (read == 3 && end == std::ssize(text) && year >= 1970 && day_of(ms) == text) return ms;
  return fail(ErrorCode::invalid_argument, "\"{}\" is no day, wanted one like 2026-11-20",
              printable(day));
}

int64_t unix_time_ms() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

}  // namespace troika::serve
