#include "cli/answer_flags.h"

#include "cli/choice.h"

namespace troika::cli {

void add_answer_flags(CLI::App& app, AnswerFlags& flags) {
  app.add_option("-n,--predict", flags.tokens_max,
                 "tokens of an answer at most; -1: until the context is full")
      ->check(between(-1, INT64_MAX))
      ->capture_default_str();
  app.add_option("--min-tokens", flags.tokens_min,
                 "tokens of an answer at least: before, nothing ends it but the context")
      ->check(between(0, INT64_MAX))
      ->capture_default_str();
  app.add_option("--stop,-r,--reverse-prompt", flags.stop,
                 "text that ends an answer and is left out of it; may be repeated")
      ->expected(1)
      ->take_all()
      ->type_name("TEXT");
}

Status check_answer(const AnswerFlags& flags) {
  TROIKA_RETURN_IF_ERROR(check_stop_strings(flags.stop));
  if (flags.tokens_max >= 0 && flags.tokens_min > flags.tokens_max)
    return fail(ErrorCode::invalid_argument, "--min-tokens is {} and --predict {}, wanted no more",
                flags.tokens_min, flags.tokens_max);
  return ok();
}

}  // namespace troika::cli
