#include "cli/bench_fairness.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "cli/bench_rig.h"
#include "cli/generation.h"
#include "engine/engine.h"

namespace troika::cli {
namespace {

constexpr TenantId kPolite{1};
constexpr TenantId kOther{2};
constexpr int64_t kAnswersOfRepetition = 10;

/// What one run tells of the polite tenant.
struct PoliteService {
  Series first_token_ms;
  double tokens_per_s = 0;
  double fair_tokens_per_s = 0;
};

/// Two tenants, each of whom asks again as soon as an answer ends.
class TwoTenants {
 public:
  static Result<TwoTenants> make(Bench& bench, const LoadedModel& model, int64_t others) {
    const BenchOptions& options = bench.options();
    const TokenRules rules{.tokens = model.model.info.vocab, .end_tokens = {}};
    TROIKA_TRY(auto engine,
               Engine::make(model,
                            {.context = 2 * (options.context + options.generate_tokens.front()),
                             .sequences_max = *std::ranges::max_element(options.sequences),
                             .chunk_tokens = options.model.chunk_tokens,
                             .draft_tokens_max = 0,
                             .kv_dtype = options.model.kv_dtype},
                            rules));
    for (const TenantId tenant : {kPolite, kOther})
      TROIKA_RETURN_IF_ERROR(engine->set_tenant(tenant, {.queue_max = others + 1}));
    return TwoTenants(bench, model.model.info.vocab, others, std::move(engine));
  }

  /// Until the polite tenant has had `answers`.
  Result<PoliteService> run(int64_t answers) {
    const double start_ms = clock_ms();
    while (polite_answers_ < answers) {
      if (bench_->interrupt().requested()) return fail(ErrorCode::cancelled, "interrupted");
      TROIKA_RETURN_IF_ERROR(ask());
      TROIKA_RETURN_IF_ERROR(engine_->step());
      steps_++;
      TROIKA_RETURN_IF_ERROR(let_go_of_ended());
    }
    return service(clock_ms() - start_ms);
  }

 private:
  struct Asked {
    SeqId id{};
    TenantId tenant{};
  };

  TwoTenants(Bench& bench, int64_t vocab, int64_t others, std::unique_ptr<Engine> engine)
      : bench_(&bench), vocab_(vocab), others_(others), engine_(std::move(engine)) {}

  /// A quarter less to a quarter more than `mean`.
  int64_t about(int64_t mean) {
    std::uniform_int_distribution<int64_t> values(std::max<int64_t>(1, mean - mean / 4),
                                                  mean + mean / 4);
    return values(random_);
  }

  Status ask() {
    for (const TenantId tenant : {kPolite, kOther}) {
      const auto open = std::ranges::count(asked_, tenant, &Asked::tenant);
      for (int64_t i = open; i < (tenant == kPolite ? 1 : others_); i++)
        TROIKA_RETURN_IF_ERROR(ask_one(tenant));
    }
    return ok();
  }

  Status ask_one(TenantId tenant) {
    const BenchOptions& options = bench_->options();
    Request request{.tenant = tenant,
                    .prompt = bench_tokens(about(options.context), vocab_),
                    .tokens_max = about(options.generate_tokens.front()),
                    .sampling = {.temperature = 0},
                    .speculation = {.type = SpecType::none, .depth_max = 0}};
    if (tenant == kPolite)
      request.on_token = [this, asked_ms = clock_ms(), first = true](TokenId) mutable {
        if (first) polite_.first_token_ms.values.push_back(clock_ms() - asked_ms);
        first = false;
      };
    TROIKA_TRY(const SeqId id, engine_->submit(std::move(request)));
    asked_.push_back({.id = id, .tenant = tenant});
    return ok();
  }

  Status let_go_of_ended() {
    std::erase_if(asked_, [this](const Asked& asked) {
      if (engine_->sequence(asked.id).finish == FinishReason::none) return false;
      if (asked.tenant == kPolite) polite_answers_++;
      engine_->release(asked.id);
      return true;
    });
    return ok();
  }

  /// The fair share: half of the service, or what a sequence takes that never waits (a row in each
  /// step, its prompt in whole chunks), whichever is less.
  Result<PoliteService> service(double ms) {
    TROIKA_TRY(const TenantStatistics polite, engine_->scheduler().statistics(kPolite));
    TROIKA_TRY(const TenantStatistics other, engine_->scheduler().statistics(kOther));
    const auto answers = static_cast<double>(polite_answers_);
    const double tokens = static_cast<double>(polite.served.generated) / answers;
    const double prompt_steps =
        std::ceil(static_cast<double>(polite.served.prompt) / answers /
                  static_cast<double>(bench_->options().model.chunk_tokens));
    const double step_s = ms / 1e3 / static_cast<double>(steps_);
    polite_.tokens_per_s = per_second(polite.served.generated, ms);
    const double half = 0.5 * polite_.tokens_per_s * (polite.cost + other.cost) / polite.cost;
    polite_.fair_tokens_per_s = std::min(half, tokens / ((tokens + prompt_steps) * step_s));
    return std::move(polite_);
  }

  Bench* bench_;
  int64_t vocab_;
  int64_t others_;
  std::unique_ptr<Engine> engine_;
  std::minstd_rand random_{1};
  std::vector<Asked> asked_;
  PoliteService polite_;
  int64_t polite_answers_ = 0, steps_ = 0;
};

double p95(std::vector<double> values) {
  std::ranges::sort(values);
  return values[static_cast<size_t>(0.95 * static_cast<double>(values.size() - 1))];
}

}  // namespace

Status measure_fairness(Bench& bench, const LoadedModel& model) {
  const BenchOptions& options = bench.options();
  const int64_t flood = 4 * *std::ranges::max_element(options.sequences);
  const int64_t answers = kAnswersOfRepetition * options.repetitions;
  std::vector<double> probes = {bench.probe()};
  PoliteService services[2];
  for (const int64_t others : {int64_t{1}, flood}) {
    bench.progress().show("measuring fairness", others > 1, 2);
    TROIKA_TRY(TwoTenants tenants, TwoTenants::make(bench, model, others));
    TROIKA_TRY(services[others > 1], tenants.run(answers));
    probes.push_back(bench.probe());
  }
  const auto& [equal, flooded] = services;
  const double equal_ms = p95(equal.first_token_ms.values);
  const double flooded_ms = p95(flooded.first_token_ms.values);
  BenchResult result{.test = "fairness",
                     .what = fmt::format("first token beside {}, p95", flood),
                     .unit = "x",
                     .series = {{flooded_ms / equal_ms}},
                     .probes = std::move(probes)};
  result.details = {{"others", flood},
                    {"first_token_ms_p95", flooded_ms},
                    {"first_token_ms_p95_beside_equal", equal_ms},
                    {"tokens_per_s", flooded.tokens_per_s},
                    {"tokens_per_s_beside_equal", equal.tokens_per_s},
                    {"fair_share", flooded.tokens_per_s / flooded.fair_tokens_per_s}};
  BenchResult share = result;
  share.what = fmt::format("tokens/s beside {}, of fair share", flood);
  share.series = {{flooded.tokens_per_s / flooded.fair_tokens_per_s}};
  TROIKA_RETURN_IF_ERROR(bench.add(std::move(result)));
  return bench.add(std::move(share));
}

}  // namespace troika::cli
