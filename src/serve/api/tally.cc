#include "serve/api/tally.h"

#include <chrono>

namespace troika::serve {

double clock_ms() {
  using namespace std::chrono;
  return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}

void Tally::add(const Told& told, int32_t choices) {
  if (!told.tokens.empty() && first_ms_ == 0) first_ms_ = told.time_ms;
  last_ms_ = told.time_ms;
  answer_tokens_ += std::ssize(told.tokens);
  begun_ = begun_ || !told.tokens.empty() || (told.ending && told.ending->begun);
  if (!told.ending) return;
  drafted_ += told.ending->drafts.proposed;
  accepted_ += told.ending->drafts.accepted;
  if (told.choice % choices == 0) cached_tokens_ += told.ending->cached_tokens;
}

Json Tally::usage() const {
  return {{"prompt_tokens", prompt_tokens()},
          {"completion_tokens", answer_tokens_},
          {"total_tokens", prompt_tokens() + answer_tokens_},
          {"prompt_tokens_details", {{"cached_tokens", cached_tokens_}, {"audio_tokens", 0}}},
          {"completion_tokens_details",
           {{"reasoning_tokens", reasoning_tokens_},
            {"audio_tokens", 0},
            {"accepted_prediction_tokens", 0},
            {"rejected_prediction_tokens", 0}}}};
}

Json Tally::timings() const {
  const int64_t read = prompt_tokens() - cached_tokens_;
  const double first_ms = first_ms_ > 0 ? first_ms_ : last_ms_;
  const double prompt_ms = first_ms - start_ms, answer_ms = last_ms_ - first_ms;
  const auto each = [](double ms, int64_t count) {
    return count > 0 ? ms / static_cast<double>(count) : 0.0;
  };
  const auto rate = [](double ms, int64_t count) {
    return ms > 0 ? static_cast<double>(count) * 1e3 / ms : 0.0;
  };
  return {{"cache_n", cached_tokens_},
          {"prompt_n", read},
          {"prompt_ms", prompt_ms},
          {"prompt_per_token_ms", each(prompt_ms, read)},
          {"prompt_per_second", rate(prompt_ms, read)},
          {"predicted_n", answer_tokens_},
          {"predicted_ms", answer_ms},
          {"predicted_per_token_ms", each(answer_ms, answer_tokens_)},
          {"predicted_per_second", rate(answer_ms, answer_tokens_)},
          {"draft_n", drafted_},
          {"draft_n_accepted", accepted_}};
}

}  // namespace troika::serve
