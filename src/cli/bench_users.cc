#include "cli/bench_users.h"

#include <algorithm>
#include <array>

#include "cli/bench_rig.h"
#include "cli/generation.h"

namespace troika::cli {
namespace {

constexpr int64_t kPasses = 8;  // of a repetition

Result<bool> step(Bench& bench, Engine& engine) {
  if (bench.interrupt().requested()) return fail(ErrorCode::cancelled, "interrupted");
  return engine.step();
}

/// Sequences that answer without end, in the middle of their repetitions behind the context asked
/// for.
class AnsweringUsers {
 public:
  static Result<AnsweringUsers> make(Bench& bench, const LoadedModel& model, int64_t count) {
    const BenchOptions& options = bench.options();
    const int64_t passes = kPasses * (options.repetitions + 1);  // one to warm up
    const int64_t prompt = std::max<int64_t>(1, options.context - passes / 2);
    const TokenRules rules{.tokens = model.model.info.vocab, .end_tokens = {}};
    TROIKA_TRY(auto engine, Engine::make(model,
                                         {.context = prompt + passes + kPageTokens,
                                          .sequences_max = count,
                                          .chunk_tokens = options.model.chunk_tokens,
                                          .draft_tokens_max = 0,
                                          .kv_dtype = options.model.kv_dtype},
                                         rules));
    AnsweringUsers users(bench, std::move(engine));
    for (int64_t i = 0; i < count; i++)
      TROIKA_RETURN_IF_ERROR(users.add(bench_tokens(prompt, model.model.info.vocab)));
    TROIKA_RETURN_IF_ERROR(users.read_prompts());
    return users;
  }

  /// Milliseconds of kPasses steps.
  Result<double> time_passes() {
    const double start_ms = clock_ms();
    for (int64_t i = 0; i < kPasses; i++) TROIKA_RETURN_IF_ERROR(step(*bench_, *engine_));
    return clock_ms() - start_ms;
  }

 private:
  AnsweringUsers(Bench& bench, std::unique_ptr<Engine> engine)
      : bench_(&bench), engine_(std::move(engine)) {}

  Status add(std::vector<TokenId> prompt) {
    TROIKA_TRY(const SeqId id,
               engine_->submit({.prompt = std::move(prompt),
                                .sampling = {.temperature = 0},
                                .speculation = {.type = SpecType::none, .depth_max = 0}}));
    ids_.push_back(id);
    return ok();
  }

  Status read_prompts() {
    const auto answers = [this](SeqId id) { return engine_->sequence(id).answering(); };
    while (!std::ranges::all_of(ids_, answers)) TROIKA_RETURN_IF_ERROR(step(*bench_, *engine_));
    return ok();
  }

  Bench* bench_;
  std::unique_ptr<Engine> engine_;
  std::vector<SeqId> ids_;
};

Result<double> time_bare_passes(BenchRig& rig, int64_t count) {
  const double start_ms = clock_ms();
  for (int64_t i = 0; i < kPasses; i++) TROIKA_RETURN_IF_ERROR(rig.pass(count, 1));
  return clock_ms() - start_ms;
}

Status measure_engine_of(Bench& bench, const LoadedModel& model, BenchRig& rig, int64_t count) {
  bench.progress().show("reading contexts", 0, 1);
  TROIKA_TRY(AnsweringUsers users, AnsweringUsers::make(bench, model, count));
  TROIKA_RETURN_IF_ERROR(users.time_passes());  // warms up, as the line below
  TROIKA_RETURN_IF_ERROR(time_bare_passes(rig, count));
  BenchResult result{.test = "engine", .unit = "tokens/s"};
  Series ratios;
  TROIKA_TRY(result.probes, bench.repeat("measuring the engine", [&]() -> Status {
    TROIKA_TRY(const double bare_ms, time_bare_passes(rig, count));
    TROIKA_TRY(const double ms, users.time_passes());
    result.series.values.push_back(per_second(count * kPasses, ms));
    ratios.values.push_back(bare_ms / ms);
    return ok();
  }));
  result.what = fmt::format("{} users, {:.3f} x bare passes", count, ratios.median());
  result.details = {{"users", count},
                    {"context", bench.options().context},
                    {"ratio_to_bare_passes", ratios.median()}};
  return bench.add(std::move(result));
}

/// What a number of users took for all their prompts together.
struct Served {
  double ms = 0;
  int64_t tokens = 0, proposed = 0, accepted = 0;
  std::vector<std::vector<TokenId>> answers;  // by prompt
};

/// The same users with drafts and without: two engines over one model.
class UserComparison {
 public:
  static Result<UserComparison> make(Bench& bench, const LoadedModel& model,
                                     const DraftPrompts& prompts, int64_t users_max) {
    UserComparison comparison(bench);
    const BenchOptions& options = bench.options();
    for (const int64_t depth : {int64_t{0}, options.speculation.depth_max}) {
      TROIKA_TRY(auto engine,
                 Engine::make(model,
                              {.context = prompts.longest + options.answer_tokens + 1,
                               .sequences_max = users_max,
                               .chunk_tokens = options.model.chunk_tokens,
                               .draft_tokens_max = depth,
                               .kv_dtype = options.model.kv_dtype},
                              {.tokens = prompts.vocab, .end_tokens = prompts.end_tokens}));
      comparison.engines_.push_back(std::move(engine));
    }
    for (const DraftPrompts::Class& one : prompts.classes)
      comparison.prompts_.insert(comparison.prompts_.end(), one.prompts.begin(), one.prompts.end());
    return comparison;
  }

  /// `way` 0: without drafts, 1: with them.
  Result<Served> serve(int way, int64_t users) {
    constexpr int64_t kPromptsOfUser = 3;
    Engine& engine = *engines_[static_cast<size_t>(way)];
    Served served;
    served.answers.resize(
        static_cast<size_t>(std::max<int64_t>(std::ssize(prompts_), kPromptsOfUser * users)));
    std::vector<SeqId> at_work;
    const double start_ms = clock_ms();
    for (size_t next = 0; next < served.answers.size() || !at_work.empty();) {
      for (; next < served.answers.size() && std::ssize(at_work) < users; next++) {
        TROIKA_TRY(const SeqId id, engine.submit(request(way, next, served.answers[next])));
        at_work.push_back(id);
      }
      TROIKA_RETURN_IF_ERROR(step(*bench_, engine));
      std::erase_if(at_work, [&](SeqId id) { return let_go(engine, id, served); });
    }
    served.ms = clock_ms() - start_ms;
    return served;
  }

 private:
  explicit UserComparison(Bench& bench) : bench_(&bench) {}

  Request request(int way, size_t index, std::vector<TokenId>& answer) const {
    const BenchOptions& options = bench_->options();
    Request request{.prompt = prompts_[index % prompts_.size()],
                    .tokens_max = options.answer_tokens,
                    .sampling = {.temperature = 0},
                    .speculation = options.speculation,
                    .on_token = [&answer](TokenId id) { answer.push_back(id); }};
    if (way == 0) request.speculation = {.type = SpecType::none, .depth_max = 0};
    return request;
  }

  /// Whether the sequence has ended; then it is counted and released.
  static bool let_go(Engine& engine, SeqId id, Served& served) {
    const Sequence& sequence = engine.sequence(id);
    if (sequence.finish == FinishReason::none) return false;
    served.proposed += sequence.drafts.proposed;
    served.accepted += sequence.drafts.accepted;
    served.tokens += std::ssize(sequence.tokens) - sequence.prompt_tokens;
    engine.release(id);
    return true;
  }

  Bench* bench_;
  std::vector<std::unique_ptr<Engine>> engines_;  // without drafts, with them
  std::vector<std::vector<TokenId>> prompts_;
};

Status measure_users_of(Bench& bench, UserComparison& comparison, int64_t users) {
  Series ratios, per_s[2];
  int64_t proposed = 0, accepted = 0;
  BenchResult result{.test = "users", .unit = "x"};
  const auto both_ways = [&](int first) -> Result<std::array<Served, 2>> {
    std::array<Served, 2> served;
    for (const int way : {first, 1 - first}) {
      TROIKA_TRY(served[static_cast<size_t>(way)], comparison.serve(way, users));
    }
    if (served[0].answers == served[1].answers) return served;
    return fail(ErrorCode::internal, "{} users: answers with drafts differ from those without",
                users);
  };
  TROIKA_RETURN_IF_ERROR(both_ways(0));  // warms up
  TROIKA_TRY(result.probes, bench.repeat("measuring users", [&]() -> Status {
    const int first = static_cast<int>(ratios.values.size() % 2);  // no way always goes second
    TROIKA_TRY(const auto served, both_ways(first));
    for (size_t way = 0; way < 2; way++)
      per_s[way].values.push_back(per_second(served[way].tokens, served[way].ms));
    ratios.values.push_back(served[0].ms / served[1].ms);
    proposed += served[1].proposed;
    accepted += served[1].accepted;
    return ok();
  }));
  const double acceptance =
      proposed > 0 ? static_cast<double>(accepted) / static_cast<double>(proposed) : 0;
  result.what = fmt::format("{} users, {:.0f} % accepted", users, 100 * acceptance);
  result.series = ratios;
  result.details = {{"users", users},
                    {"off_tokens_per_s", per_s[0].median()},
                    {"on_tokens_per_s", per_s[1].median()},
                    {"acceptance", acceptance},
                    {"identical", true}};
  return bench.add(std::move(result));
}

}  // namespace

Status measure_engine(Bench& bench, const LoadedModel& model) {
  const BenchOptions& options = bench.options();
  const std::vector<int64_t> counts = ascending(options.sequences);
  TROIKA_TRY(const auto rig, BenchRig::make(model, {.sequences = counts.back(),
                                                    .context = options.context,
                                                    .chunk_tokens = options.model.chunk_tokens,
                                                    .kv_dtype = options.model.kv_dtype}));
  TROIKA_RETURN_IF_ERROR(rig->read_until(options.context, bench.interrupt()));
  for (const int64_t count : counts)
    TROIKA_RETURN_IF_ERROR(measure_engine_of(bench, model, *rig, count));
  return ok();
}

Status measure_users(Bench& bench, const LoadedModel& model, const DraftPrompts& prompts) {
  const std::vector<int64_t> counts = ascending(bench.options().sequences);
  TROIKA_TRY(UserComparison comparison, UserComparison::make(bench, model, prompts, counts.back()));
  for (const int64_t count : counts)
    TROIKA_RETURN_IF_ERROR(measure_users_of(bench, comparison, count));
  return ok();
}

}  // namespace troika::cli
