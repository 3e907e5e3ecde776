#include "cli/bench_drafts.h"

#include <algorithm>
#include <array>

#include "cli/bench_prompts.h"
#include "cli/bench_text.h"
#include "cli/generation.h"
#include "cli/prompt.h"
#include "cli/token_file.h"
#include "core/text_file.h"
#include "runtime/model_session.h"

namespace troika::cli {
namespace {

/// What the prompts of one repetition took together.
struct Sum {
  double prompt_ms = 0, generate_ms = 0;
  int64_t tokens = 0, proposed = 0, accepted = 0, steps = 0;
  std::array<int64_t, kDraftClasses> accepted_by{};  // of each class of drafters

  void add(const TimedText& text) {
    prompt_ms += text.prompt_ms;
    generate_ms += text.generate_ms;
    tokens += std::max<int64_t>(0, std::ssize(text.tokens) - 1);  // generated after the first
    proposed += text.drafts.proposed;
    accepted += text.drafts.accepted;
    steps += text.drafts.steps;
    for (size_t i = 0; i < accepted_by.size(); i++)
      accepted_by[i] += text.drafts.by_class[i].accepted;
  }
  void add(const Sum& other) {
    prompt_ms += other.prompt_ms;
    generate_ms += other.generate_ms;
    tokens += other.tokens;
    proposed += other.proposed;
    accepted += other.accepted;
    steps += other.steps;
    for (size_t i = 0; i < accepted_by.size(); i++) accepted_by[i] += other.accepted_by[i];
  }
};

/// One repetition: index 0 without drafts, 1 with them.
struct Pair {
  Sum sums[2];
};

/// Two engines over one model. The plain one has no draft head at work at all.
class DraftComparison {
 public:
  static Result<DraftComparison> make(Bench& bench, const LoadedModel& model,
                                      const DraftPrompts& prompts) {
    DraftComparison comparison(bench);
    const int64_t depth_max = bench.options().speculation.depth_max;
    for (const int64_t depth : {int64_t{0}, depth_max}) {
      TROIKA_TRY(auto engine,
                 Engine::make(model,
                              {.context = prompts.longest + bench.options().answer_tokens + 1,
                               .sequences_max = 1,
                               .chunk_tokens = bench.options().model.chunk_tokens,
                               .draft_tokens_max = depth,
                               .kv_dtype = bench.options().model.kv_dtype},
                              {.tokens = prompts.vocab, .end_tokens = prompts.end_tokens}));
      comparison.engines_.push_back(std::move(engine));
    }
    return comparison;
  }

  /// Both ways with every row of logits looked at. Errors: internal — they differ.
  Status check_bits(const std::vector<TokenId>& prompt, std::string_view name) {
    TROIKA_TRY(const TimedText plain, answer(0, prompt, true));
    TROIKA_TRY(const TimedText drafted, answer(1, prompt, true));
    if (plain.tokens == drafted.tokens && plain.logits_hash == drafted.logits_hash) return ok();
    return fail(ErrorCode::internal,
                "class {}: logits with drafts differ from those without ({:016x}, {:016x})", name,
                drafted.logits_hash, plain.logits_hash);
  }

  /// Times both ways; `first` goes first, so that no way always follows the other.
  Status time_pair(const std::vector<TokenId>& prompt, int first, Pair& pair) {
    for (const int way : {first, 1 - first}) {
      TROIKA_TRY(const TimedText text, answer(way, prompt, false));
      pair.sums[way].add(text);
    }
    return ok();
  }

 private:
  explicit DraftComparison(Bench& bench) : bench_(&bench) {}

  Result<TimedText> answer(int way, const std::vector<TokenId>& prompt, bool hash_logits) {
    const BenchOptions& options = bench_->options();
    SpeculationOptions speculation = options.speculation;
    if (way == 0) speculation = {.type = SpecType::none, .depth_max = 0};
    return time_text(*engines_[static_cast<size_t>(way)],
                     {.prompt = prompt,
                      .tokens_max = options.answer_tokens,
                      .sampling = {.temperature = 0},
                      .speculation = speculation},
                     bench_->interrupt(), hash_logits);
  }

  Bench* bench_;
  std::vector<std::unique_ptr<Engine>> engines_;  // without drafts, with them
};

double ratio(double above, double below) {
  return below > 0 ? above / below : 0;
}

BenchResult result_of(const std::string& name, const std::vector<Pair>& pairs,
                      std::vector<double> probes) {
  Series plain_per_s, drafted_per_s, prompt_ratio;
  BenchResult result{.test = "mtp", .unit = "x"};
  Sum drafted;
  for (const Pair& pair : pairs) {
    const auto& [off, on] = pair.sums;
    result.series.values.push_back(ratio(off.generate_ms, on.generate_ms));
    prompt_ratio.values.push_back(ratio(on.prompt_ms, off.prompt_ms));
    plain_per_s.values.push_back(per_second(off.tokens, off.generate_ms));
    drafted_per_s.values.push_back(per_second(on.tokens, on.generate_ms));
    drafted.add(on);
  }
  const double acceptance =
      ratio(static_cast<double>(drafted.accepted), static_cast<double>(drafted.proposed));
  result.what = fmt::format("{}, {:.0f} % accepted", name, 100 * acceptance);
  result.probes = std::move(probes);
  result.details = {{"class", name},
                    {"tokens", pairs.front().sums[1].tokens},
                    {"off_tokens_per_s", plain_per_s.median()},
                    {"on_tokens_per_s", drafted_per_s.median()},
                    {"acceptance", acceptance},
                    {"tokens_per_step", ratio(static_cast<double>(drafted.tokens),
                                              static_cast<double>(drafted.steps))},
                    {"prompt_ms_on_to_off", prompt_ratio.median()},
                    {"identical", true}};
  for (int i = 0; i < kDraftClasses; i++)
    result.details[fmt::format("accepted_{}", draft_class_name(static_cast<DraftClass>(i)))] =
        drafted.accepted_by[static_cast<size_t>(i)];
  return result;
}

Result<std::vector<Pair>> measure_class(Bench& bench, DraftComparison& comparison,
                                        const DraftPrompts::Class& one) {
  for (const std::vector<TokenId>& prompt : one.prompts)
    TROIKA_RETURN_IF_ERROR(comparison.check_bits(prompt, one.name));  // warms up as well
  std::vector<Pair> pairs;
  TROIKA_TRY(std::vector<double> probes, bench.repeat(one.name, [&]() -> Status {
    Pair& pair = pairs.emplace_back();
    for (const std::vector<TokenId>& prompt : one.prompts)
      TROIKA_RETURN_IF_ERROR(
          comparison.time_pair(prompt, static_cast<int>(pairs.size() % 2), pair));
    return ok();
  }));
  TROIKA_RETURN_IF_ERROR(bench.add(result_of(one.name, pairs, std::move(probes))));
  return pairs;
}

}  // namespace

Result<DraftPrompts> read_draft_prompts(const BenchOptions& options) {
  TROIKA_TRY(const OpenModel opened, open_model(options.model.path, {.draft_head = true}));
  if (!opened.model.info.draft_head && options.speculation.type != SpecType::ngram)
    return fail(ErrorCode::invalid_argument,
                "{}: the model has no draft head, wanted --spec-type ngram or --tests without mtp",
                options.model.path);
  const gguf::Metadata& metadata = opened.file.metadata();
  TROIKA_TRY(const auto tokenizer, Tokenizer::load(metadata));
  TROIKA_TRY(const std::string json, read_text_file(options.prompts));
  TROIKA_TRY(const std::vector<PromptClass> classes, parse_bench_prompts(json, options.prompts));
  DraftPrompts result{.vocab = tokenizer->vocab()};
  const auto ends = tokenizer->end_of_generation_ids();
  result.end_tokens.assign(ends.begin(), ends.end());
  for (const PromptClass& one : classes) {
    DraftPrompts::Class& target = result.classes.emplace_back();
    target.name = one.name;
    for (const BenchPrompt& prompt : one.prompts) {
      const PromptFlags flags{.text = prompt.text, .file = {}, .ids = {}, .raw = prompt.raw};
      TROIKA_TRY(std::vector<TokenId> ids, encode_prompt(flags, metadata, *tokenizer));
      result.longest = std::max<int64_t>(result.longest, std::ssize(ids));
      target.prompts.push_back(std::move(ids));
    }
  }
  return result;
}

Status measure_drafts(Bench& bench, const LoadedModel& model, const DraftPrompts& prompts) {
  TROIKA_TRY(DraftComparison comparison, DraftComparison::make(bench, model, prompts));
  std::vector<Pair> all(static_cast<size_t>(bench.options().repetitions));
  const double before = bench.probe();
  for (const DraftPrompts::Class& one : prompts.classes) {
    TROIKA_TRY(const std::vector<Pair> pairs, measure_class(bench, comparison, one));
    for (size_t i = 0; i < all.size(); i++)
      for (int way = 0; way < 2; way++) all[i].sums[way].add(pairs[i].sums[way]);
  }
  return bench.add(result_of("all classes", all, {before, bench.probe()}));
}

}  // namespace troika::cli
