#include "serve/api/answer_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <random>

#include "core/printable.h"
#include "engine/stop_strings.h"

namespace troika::serve {
namespace {

/// What only llama-server's users know.
void read_more_sampling(Fields& fields, SamplingOptions& o) {
  fields.read("top_n_sigma", o.top_n_sigma, -kStrengthMax, kStrengthMax);
  fields.read("xtc_probability", o.xtc_probability, 0, 1);
  fields.read("xtc_threshold", o.xtc_threshold, 0, 1);
  fields.read("dry_multiplier", o.dry_multiplier, 0, kStrengthMax);
  fields.read("dry_base", o.dry_base, 0, kStrengthMax);
  fields.read("dry_allowed_length", o.dry_allowed_length, 0, kDryLengthMax);
  fields.read("dry_penalty_last_n", o.dry_last_n, -1, kRepeatLastNMax);
  fields.read_strings("dry_sequence_breakers", o.dry_breakers, kDryBreakersMax);
  fields.read("mirostat", o.mirostat, 0, 2);
  fields.read("mirostat_tau", o.mirostat_tau, 0, kMirostatTauMax);
  fields.read("mirostat_eta", o.mirostat_eta, 0, 1);
  std::vector<std::string> names;
  fields.read_strings("samplers", names, kSamplersMax);
  if (names.empty() || fields.refused()) return;
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ";") + name;
  auto samplers = parse_samplers(list);
  if (!samplers.ok()) return fields.refuse("samplers", samplers.error().message());
  o.samplers = std::move(*samplers);
}

void read_sampling(Fields& fields, SamplingOptions& o) {
  constexpr double kMost = kStrengthMax;
  fields.read("temperature", o.temperature, 0, 100);
  fields.read("top_k", o.top_k, -1, INT32_MAX);
  fields.read("top_p", o.top_p, 0, 1);
  fields.read("min_p", o.min_p, 0, 1);
  fields.read("typical_p", o.typical_p, 0, 1);
  fields.read("dynatemp_range", o.dynatemp_range, 0, 100);
  fields.read("dynatemp_exponent", o.dynatemp_exponent, 0, kMost);
  fields.read("repeat_penalty", o.repeat_penalty, 1e-3, 1e3);
  fields.read("repeat_last_n", o.repeat_last_n, -1, kRepeatLastNMax);
  fields.read("presence_penalty", o.presence_penalty, -100, 100);
  fields.read("frequency_penalty", o.frequency_penalty, -100, 100);
  fields.read("ignore_eos", o.ignore_eos);
  read_more_sampling(fields, o);
  int64_t seed = -1;
  fields.read("seed", seed, INT64_MIN, INT64_MAX);
  o.seed = seed == -1 ? random_number() : static_cast<uint64_t>(seed);
}

/// The token that an entry of logit_bias names: an id, its digits, or the text of one token.
std::optional<TokenId> biased_token(const Tokenizer& tokenizer, const Json& key) {
  int64_t id = -1;
  if (key.is_number_integer()) {
    id = key.get<int64_t>();
  } else if (key.is_string()) {
    const auto& text = key.get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc() || end != text.data() + text.size()) {
      const std::vector<TokenId> ids =
          tokenizer.encode(text, {.add_special = false, .parse_special = true});
      if (ids.size() != 1) return std::nullopt;
      return ids.front();
    }
  }
  if (id < 0 || id >= tokenizer.vocab()) return std::nullopt;
  return static_cast<TokenId>(id);
}

void add_bias(Fields& fields, const Tokenizer& tokenizer, const Json& key, const Json& value,
              SamplingOptions& sampling) {
  const std::optional<TokenId> id = biased_token(tokenizer, key);
  if (!id)
    return fields.refuse(
        "logit_bias", fmt::format("logit_bias names {}, wanted ids below {} or texts of one token",
                                  printable(to_text(key)), tokenizer.vocab()));
  if (value.is_boolean() && !value.get<bool>()) {
    sampling.logit_bias.push_back({*id, -INFINITY});
  } else if (value.is_number() && std::abs(value.get<double>()) <= kStrengthMax) {
    const auto bias = value.get<double>();
    sampling.logit_bias.push_back({*id, bias <= -100 ? -INFINITY : bias});
  } else {
    fields.refuse("logit_bias", fmt::format("logit_bias of {} is {}, wanted a number or false",
                                            printable(to_text(key)), printable(to_text(value))));
  }
}

void read_logit_bias(Fields& fields, const Tokenizer& tokenizer, SamplingOptions& sampling) {
  const Json* biases = fields.find("logit_bias");
  if (biases == nullptr) return;
  if (!biases->is_object() && !biases->is_array())
    return fields.refuse_kind("logit_bias", *biases, "an object or a list of pairs");
  if (std::ssize(*biases) > kLogitBiasCountMax)
    return fields.refuse("logit_bias", fmt::format("logit_bias has {} entries, wanted at most {}",
                                                   biases->size(), kLogitBiasCountMax));
  if (biases->is_object()) {
    for (const auto& [key, value] : biases->items())
      add_bias(fields, tokenizer, Json(key), value, sampling);
    return;
  }
  for (const Json& pair : *biases) {
    if (!pair.is_array() || pair.size() != 2)
      return fields.refuse("logit_bias", "logit_bias has an entry that is no pair [token, bias]");
    add_bias(fields, tokenizer, pair[0], pair[1], sampling);
  }
}

void read_length(Fields& fields, const ServedModel& model, Request& request) {
  request.tokens_max = model.options().tokens_max;
  for (const char* name :
       {"n_predict", "max_tokens", "max_output_tokens", "max_completion_tokens"}) {
    fields.read(name, request.tokens_max, -1, INT32_MAX);
    if (request.tokens_max == 0)
      fields.refuse(name, fmt::format("{} is 0, wanted 1 or more, or -1 for as many as fit", name));
  }
  fields.read("min_tokens", request.tokens_min, 0, INT32_MAX);
}

/// "off", false, {"off": true} or {"n_max": most}; the server's bound holds in any case.
void read_speculation(Fields& fields, SpeculationOptions& speculation) {
  const Json* json = fields.find("speculative");
  if (json == nullptr) return;
  const SpeculationOptions off{.type = SpecType::none, .depth_max = 0};
  if (*json == Json("off") || *json == Json(false)) {
    speculation = off;
    return;
  }
  if (*json == Json(true)) return;
  if (!json->is_object())
    return fields.refuse_kind("speculative", *json, "\"off\" or an object with off or n_max");
  Fields inner(*json, fields.refusal(), "speculative.");
  bool is_off = false;
  int64_t most = kDraftTokensMax;
  inner.read("off", is_off);
  inner.read("n_max", most, 0, kDraftTokensMax);
  speculation.depth_max = std::min(speculation.depth_max, most);
  if (is_off || speculation.depth_max == 0) speculation = off;
}

void read_spec(Fields& fields, const ServedModel& model, GenerationSpec& spec) {
  Request& request = spec.request;
  request.sampling = model.options().sampling;
  request.speculation = model.parts().speculation;
  if (model.options().timeout_s > 0) request.timeout_ms = model.options().timeout_s * 1e3;
  read_sampling(fields, request.sampling);
  read_logit_bias(fields, model.tokenizer(), request.sampling);
  read_length(fields, model, request);
  fields.read("n", spec.choices, 1, int32_t{kChoicesAskedMax});
  read_stop(fields, "stop", request);
  fields.read("cache_prompt", request.cache.on);
  read_speculation(fields, request.speculation);
  if (fields.refused()) return;
  const Status sound = request.sampling.validate(model.tokenizer().vocab());
  if (!sound.ok()) fields.refuse("", sound.error().message());
}

AnswerOptions read_options(Fields& fields, const ServedModel& model) {
  AnswerOptions options{.model = model.name()};
  read_model_name(fields, model);
  fields.read("stream", options.stream);
  fields.read("timings_per_token", options.timings);
  fields.read("timings", options.timings);
  if (const Json* more = fields.object("stream_options")) {
    Fields inner(*more, fields.refusal(), "stream_options.");
    inner.read("include_usage", options.include_usage);
  }
  if (const Json* more = fields.object("troika")) {
    Fields inner(*more, fields.refusal(), "troika.");
    inner.read("show_drafts", options.show_drafts);
  }
  return options;
}

}  // namespace

uint64_t random_number() {
  std::random_device device;
  return (uint64_t{device()} << 32 | device()) >> 1;
}

std::string new_answer_id(std::string_view prefix) {
  constexpr std::string_view kDigits =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::string id(prefix);
  std::random_device device;
  for (int i = 0; i < 24; i++) id += kDigits[device() % kDigits.size()];
  return id;
}

void read_stop(Fields& fields, std::string_view name, Request& request) {
  fields.read_strings(name, request.stop, kStopStringsMax);
  const Status sound = check_stop_strings(request.stop);
  if (!sound.ok()) fields.refuse(name, sound.error().message());
}

void read_model_name(Fields& fields, const ServedModel& model) {
  std::string asked = model.name();
  fields.read("model", asked);
  if (asked == model.name() || fields.refused()) return;
  fields.refusal() = Refusal{.status = 404,
                             .message = fmt::format("there is no model \"{}\" here, wanted \"{}\"",
                                                    printable(asked), model.name()),
                             .param = "model",
                             .code = "model_not_found"};
}

AnswerRequest read_answer(Fields& fields, const Call& call) {
  AnswerRequest answer{.options = read_options(fields, call.model)};
  read_spec(fields, call.model, answer.spec);
  answer.spec.request.tenant = call.caller.tenant->id;
  return answer;
}

}  // namespace troika::serve
