// troika chat: a conversation, line by line. Each turn reads its new tokens only: the engine goes
// on where the last answer ended.

#include "text/chat.h"

#include <unistd.h>

#include <iostream>
#include <string>

#include "cli/answer_flags.h"
#include "cli/command.h"
#include "cli/engine_flags.h"
#include "cli/generation.h"
#include "cli/sampling_flags.h"
#include "cli/session_flags.h"
#include "cli/streams.h"
#include "core/progress.h"
#include "runtime/model_session.h"

namespace troika::cli {
namespace {

struct ChatOptions {
  ChatOptions() { session.cache.on = true; }  // a turn goes on where the one before it ended
  SessionOptions session;
  SamplingFlags sampling;
  AnswerFlags answer;
};

/// The conversation so far, as the model read and wrote it. Its tokens are kept, not its text: that
/// might be encoded into other tokens than those which the model chose, and nothing of what was
/// computed would fit.
class Conversation {
 public:
  Conversation(ModelSession& session, const SamplingOptions& sampling, const AnswerFlags& flags)
      : session_(session), sampling_(sampling), flags_(flags) {}

  void clear() { tokens_.clear(); }

  /// Streams the answer to `line`. A failed turn leaves the conversation as it was.
  Result<Generation> answer(const std::string& line, Progress& progress) {
    std::vector<TokenId> prompt = tokens_;
    const ChatMessage question{.role = "user", .content = line};
    append(prompt, (prompt.empty() ? "" : "\n") + render_chatml({&question, 1}));
    TROIKA_RETURN_IF_ERROR(session_.check_prompt_fits(std::ssize(prompt)));
    TROIKA_TRY(Generation generation, generate(session_.engine(), session_.tokenizer(),
                                               {.prompt = prompt,
                                                .tokens_max = flags_.tokens_max,
                                                .tokens_min = flags_.tokens_min,
                                                .sampling = sampling_,
                                                .stop = flags_.stop,
                                                .speculation = session_.speculation()},
                                               {.on_text = write_stdout, .progress = &progress}));
    close_turn(prompt, generation);
    tokens_ = std::move(prompt);
    return generation;
  }

 private:
  void append(std::vector<TokenId>& tokens, const std::string& text) const {
    const std::vector<TokenId> ids =
        session_.tokenizer().encode(text, {.add_special = tokens.empty(), .parse_special = true});
    tokens.insert(tokens.end(), ids.begin(), ids.end());
  }

  /// Adds the answer and the end of its turn, whatever ended it.
  void close_turn(std::vector<TokenId>& tokens, const Generation& generation) const {
    std::vector<TokenId> answer = generation.tokens;
    if (generation.finish == FinishReason::stop_string) {
      append(tokens, generation.text);
    } else {
      if (!answer.empty() && session_.tokenizer().is_end_of_generation(answer.back()))
        answer.pop_back();
      tokens.insert(tokens.end(), answer.begin(), answer.end());
    }
    append(tokens, std::string(kChatmlTurnEnd));
  }

  ModelSession& session_;
  SamplingOptions sampling_;
  const AnswerFlags& flags_;
  std::vector<TokenId> tokens_;
};

std::string turn_text(const Generation& g) {
  const int64_t measured = std::max<int64_t>(std::ssize(g.tokens) - 1, 0);
  return fmt::format(
      "[{} tokens after {} of which {} were read before, {:.1f} ms to the first, {:.1f} tokens/s, "
      "{} of {} drafts accepted]\n",
      g.tokens.size(), g.prompt_tokens, g.cached_tokens, g.prompt_ms,
      per_second(measured, g.generate_ms), g.drafts.accepted, g.drafts.proposed);
}

/// Answers lines until they end. At a terminal a turn that fails or is interrupted ends that turn
/// only; in a pipe, nobody is there to see it, and it ends the program.
Status converse(Conversation& conversation, Progress& progress) {
  const bool at_terminal = isatty(STDIN_FILENO) != 0;
  std::string line;
  while (true) {
    if (at_terminal) TROIKA_RETURN_IF_ERROR(write_stdout("> "));
    if (!std::getline(std::cin, line)) break;
    if (line == "/exit") return ok();
    if (line == "/clear") conversation.clear();
    if (line.empty() || line == "/clear") continue;
    const Result<Generation> generation = conversation.answer(line, progress);
    if (!generation.ok()) {
      if (!at_terminal) return generation.error();
      print_error(generation.error().message());
      continue;
    }
    TROIKA_RETURN_IF_ERROR(write_stdout("\n"));
    if (at_terminal) write_stderr(turn_text(*generation));
    if (generation->finish == FinishReason::cancelled && !at_terminal)
      return fail(ErrorCode::cancelled, "interrupted after {} tokens", generation->tokens.size());
  }
  return at_terminal ? write_stdout("\n") : ok();
}

Status chat(const ChatOptions& options) {
  TROIKA_TRY(const SamplingOptions sampling, resolve(options.sampling));
  TROIKA_TRY(const std::unique_ptr<ModelSession> session, ModelSession::open(options.session));
  if (const Status chatml = check_chatml(session->file().metadata()); !chatml.ok())
    return fail(chatml.error().code(), "{}: {} with 'troika run'", options.session.model.path,
                chatml.error().message());
  Progress progress = Progress::on(stderr);
  TROIKA_RETURN_IF_ERROR(session->load(progress));
  for (const std::string& note : session->tokenizer().warnings())
    write_stderr("note: " + note + "\n");
  if (isatty(STDIN_FILENO) != 0)
    write_stderr(
        "/clear forgets the conversation, /exit or Ctrl-D leaves, Ctrl-C stops an answer\n");
  Conversation conversation(*session, sampling, options.answer);
  return converse(conversation, progress);
}

class ChatCommand final : public Command {
 public:
  std::string_view name() const override { return "chat"; }
  std::string_view summary() const override { return "Talk with a model, turn by turn"; }
  std::string_view examples() const override {
    return "  troika chat model.gguf\n"
           "  troika chat model.gguf --temp 0.6 --top-p 0.9 -n 400\n"
           "  printf 'Hello\\nTell me more\\n' | troika chat model.gguf\n"
           "/clear forgets the conversation, /exit or Ctrl-D leaves, Ctrl-C stops an answer.\n";
  }
  void declare(CLI::App& app) override {
    add_answer_flags(app, options_.answer);
    add_session_flags(app, options_.session);
    add_cache_flags(app, options_.session.cache);
    add_disk_cache_flags(app, options_.session.cache);
    add_sampling_flags(app, options_.sampling);
  }
  Status check() const override {
    TROIKA_RETURN_IF_ERROR(check_answer(options_.answer));
    const Result<SamplingOptions> sampling = resolve(options_.sampling);
    return sampling.ok() ? ok() : Status(sampling.error());
  }
  Status run() override { return chat(options_); }

 private:
  ChatOptions options_;
};

}  // namespace

std::unique_ptr<Command> make_chat_command() {
  return std::make_unique<ChatCommand>();
}

}  // namespace troika::cli
