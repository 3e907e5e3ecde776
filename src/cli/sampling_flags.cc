#include "cli/sampling_flags.h"

#include <charconv>
#include <random>

#include "cli/choice.h"
#include "core/printable.h"
#include "engine/sequence.h"

namespace troika::cli {
namespace {

constexpr Choice<SpecType> kSpecTypes[] = {
    {"auto", SpecType::automatic}, {"mtp", SpecType::mtp},           {"ngram", SpecType::ngram},
    {"draft", SpecType::model},    {"combined", SpecType::combined}, {"none", SpecType::none}};

/// "15043+1.5", "15043-1", "15043-inf".
Result<LogitBias> parse_logit_bias(const std::string& text) {
  int32_t id = -1;
  double bias = 0;
  const char* end = text.data() + text.size();
  const auto [sign, id_error] = std::from_chars(text.data(), end, id);
  bool good = id_error == std::errc() && id >= 0 && sign != end && (*sign == '+' || *sign == '-');
  if (good) {
    const auto [stop, bias_error] = std::from_chars(sign + 1, end, bias);
    good = bias_error == std::errc() && stop == end && sign[1] != '-';
    if (*sign == '-') bias = -bias;
  }
  if (!good)
    return fail(ErrorCode::invalid_argument,
                "--logit-bias is \"{}\", wanted a token id with what to add, as in 15043+1 or "
                "15043-1.5 or 15043-inf",
                printable(text));
  return LogitBias{.id = static_cast<TokenId>(id), .bias = bias};
}

template <typename T>
void add(CLI::App& app, const std::string& flag, T& target, const std::string& help) {
  app.add_option(flag, target, help)->capture_default_str();
}

void add_dry_flags(CLI::App& app, SamplingFlags& flags) {
  SamplingOptions& o = flags.options;
  add(app, "--dry-multiplier", o.dry_multiplier, "strength against repetitions; 0: off");
  add(app, "--dry-base", o.dry_base, "by which it grows with each repeated token");
  add(app, "--dry-allowed-length", o.dry_allowed_length, "tokens that may be repeated freely");
  add(app, "--dry-penalty-last-n", o.dry_last_n, "tokens that DRY looks back; 0: off, -1: all");
  app.add_option("--dry-sequence-breaker", flags.dry_breakers,
                 "no repetition spans this text; may be repeated, replaces newline, colon, quote "
                 "and asterisk; none: there are none")
      ->expected(1)
      ->take_all()
      ->type_name("TEXT");
}

// A shell passes \n as two characters.
std::string with_newlines(std::string text) {
  for (size_t at = 0; (at = text.find("\\n", at)) != std::string::npos; at++)
    text.replace(at, 2, "\n");
  return text;
}

}  // namespace

void add_sampling_flags(CLI::App& app, SamplingFlags& flags) {
  SamplingOptions& o = flags.options;
  add(app, "--temp", o.temperature, "temperature; 0: always the most likely token");
  add(app, "--top-k", o.top_k, "only the k most likely tokens; 0: off");
  add(app, "--top-p", o.top_p, "only the most likely, up to this probability; 1: off");
  add(app, "--min-p", o.min_p, "only those with this share of the best one's probability; 0: off");
  add(app, "--typical", o.typical_p, "only the most typical, up to this probability; 1: off");
  add(app, "--repeat-penalty", o.repeat_penalty, "weakens tokens that came before; 1: off");
  add(app, "--repeat-last-n", o.repeat_last_n, "tokens that penalties look back; 0: off, -1: all");
  add(app, "--presence-penalty", o.presence_penalty, "taken off tokens that came before");
  add(app, "--frequency-penalty", o.frequency_penalty, "taken off for each time a token came");
  add(app, "--dynatemp-range", o.dynatemp_range, "temperature moves so far with entropy; 0: off");
  add(app, "--dynatemp-exp", o.dynatemp_exponent, "exponent of that move");
  add(app, "--top-nsigma", o.top_n_sigma, "only logits so many sigmas below the best; -1: off");
  add(app, "--xtc-probability", o.xtc_probability, "how often the likeliest are left out; 0: off");
  add(app, "--xtc-threshold", o.xtc_threshold, "what is likely enough for that; above 0.5: off");
  add_dry_flags(app, flags);
  add(app, "--mirostat", o.mirostat, "1 or 2: aim at a surprise, instead of other steps; 0: off");
  add(app, "--mirostat-ent", o.mirostat_tau, "that surprise, in bits");
  add(app, "--mirostat-lr", o.mirostat_eta, "how fast it is reached");
  add(app, "--adaptive-target", o.adaptive_target,
      "the probability that drawn tokens shall have, with adaptive_p in --samplers; -1: off");
  add(app, "--adaptive-decay", o.adaptive_decay, "how long adaptive_p remembers, 0 to 0.99");
  CLI::Option* samplers =
      app.add_option("--samplers", flags.samplers, "steps in this order, with ; between them");
  app.add_option(
         "--sampling-seq", flags.sampler_letters,
         "the same by letters: e penalties, d dry, s top_n_sigma, k top_k, y typ_p, p top_p, "
         "m min_p, x xtc, t temperature, a adaptive_p")
      ->excludes(samplers);
  app.add_option("--logit-bias", flags.logit_bias, "ID+VALUE or ID-VALUE; may be repeated")
      ->expected(1)
      ->take_all()
      ->type_name("BIAS");
  app.add_option("-s,--seed", flags.seed, "equal seed, equal text; -1: another one each time")
      ->check(between(-1, INT64_MAX))
      ->capture_default_str();
}

void add_speculation_flags(CLI::App& app, SpeculationOptions& options) {
  add_choice<SpecType>(
      app, "--spec-type", options.type, kSpecTypes,
      "drafts: auto, by whoever is there and as many as make the texts fastest by what was "
      "measured so far; always all of mtp (the model's own head), ngram (what followed the same "
      "words earlier in the text), draft (--model-draft) or combined (a long n-gram match, else "
      "mtp, else draft); or none; changes no bit of the text");
  app.add_option("--spec-draft-n-max", options.depth_max, "tokens to draft in one step, at most")
      ->check(between(0, kDraftTokensMax))
      ->capture_default_str();
  app.add_option("--spec-ngram-min", options.ngram_min, "tokens that an n-gram match has at least")
      ->check(between(1, kNgramTokensMax))
      ->capture_default_str();
  app.add_option("--spec-ngram-max", options.ngram_max,
                 "tokens beyond which a longer n-gram match is no better")
      ->check(between(1, kNgramTokensMax))
      ->capture_default_str();
}

Result<SamplingOptions> resolve(const SamplingFlags& flags) {
  SamplingOptions options = flags.options;
  for (const std::string& text : flags.logit_bias) {
    TROIKA_TRY(const LogitBias bias, parse_logit_bias(text));
    options.logit_bias.push_back(bias);
  }
  if (!flags.dry_breakers.empty()) options.dry_breakers.clear();
  for (const std::string& text : flags.dry_breakers)
    if (text != "none") options.dry_breakers.push_back(with_newlines(text));
  if (!flags.samplers.empty()) {
    TROIKA_TRY(options.samplers, parse_samplers(flags.samplers));
  } else if (!flags.sampler_letters.empty()) {
    TROIKA_TRY(options.samplers, parse_sampler_letters(flags.sampler_letters));
  }
  options.seed =
      flags.seed >= 0 ? static_cast<uint64_t>(flags.seed) : uint64_t{std::random_device{}()};
  // Which ids exist is known when the model is open; the engine asks again then.
  TROIKA_RETURN_IF_ERROR(options.validate(INT32_MAX));
  return options;
}

}  // namespace troika::cli
