#include "cli/session_flags.h"

#include "cli/choice.h"
#include "cli/model_flags.h"
#include "cli/sampling_flags.h"

namespace troika::cli {

void add_draft_vocab_flag(CLI::App& app, int64_t& draft_rows) {
  app.add_option("--draft-vocab", draft_rows,
                 "tokens of the vocabulary that a draft is chosen from; 0: all [a quarter, if it "
                 "has 32768 or more]")
      ->check(between(0, INT64_MAX));
}

void add_session_flags(CLI::App& app, SessionOptions& options) {
  add_model_flags(app, options.model);
  app.add_option("-c,--ctx-size", options.context,
                 fmt::format("tokens that prompt and answer may have together; 0: what the model "
                             "was trained for [that, at most {}]",
                             EngineOptions{}.context))
      ->check(between(0, INT64_MAX));
  add_speculation_flags(app, options.speculation);
  app.add_option("--model-draft,--md", options.draft_model,
                 "a smaller model of the same vocabulary that drafts")
      ->type_name("FILE");
  add_draft_vocab_flag(app, options.draft_rows);
}

}  // namespace troika::cli
