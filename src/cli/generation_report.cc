#include "cli/generation_report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/memory_check.h"

namespace troika::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Weights of fewer bytes stay in the last caches of ordinary processors.
constexpr int64_t kCachedWeightsBytes = int64_t{16} << 20;

/// The first token is chosen by the prompt's last step; the others are what generate_ms measures.
double generated_per_second(const Generation& generation) {
  return per_second(std::max<int64_t>(std::ssize(generation.tokens) - 1, 0),
                    generation.generate_ms);
}

std::string_view finish_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::stop:
    case FinishReason::stop_string:
      return "stop";
    case FinishReason::length:
      return "length";
    case FinishReason::cancelled:
      return "interrupted";
    case FinishReason::expired:
      return "expired";
    case FinishReason::no_token:
      return "no token";
    case FinishReason::none:
      break;
  }
  return "none";
}

std::string counts_text(const DraftCounts& drafts) {
  std::string text = fmt::format(
      "{} proposed, {} accepted ({:.0f} %) in {} steps; accepted by depth:", drafts.proposed,
      drafts.accepted,
      100 * static_cast<double>(drafts.accepted) / static_cast<double>(drafts.proposed),
      drafts.steps);
  for (size_t d = 0; d < static_cast<size_t>(drafts.depth()); d++)
    text += fmt::format(" {}/{}", drafts.accepted_at[d], drafts.proposed_at[d]);
  return text;
}

std::string drafts_text(const DraftStatistics& drafts) {
  if (drafts.proposed == 0) return fmt::format("none proposed in {} steps", drafts.steps);
  return counts_text(drafts);
}

std::string costs_text(const std::vector<double>& step_ms) {
  std::string text;
  for (size_t depth = 0; depth < step_ms.size(); depth++)
    text +=
        fmt::format("{}{} drafts {:.2f} ms", depth == 0 ? "with " : ", ", depth, step_ms[depth]);
  return text;
}

/// What several texts of a prompt took beside each other: tokens and drafts of all, the prompt of
/// the first.
Generation together(std::span<const Generation> texts) {
  Generation all = texts.front();
  for (const Generation& one : texts.subspan(1)) {
    all.tokens.insert(all.tokens.end(), one.tokens.begin(), one.tokens.end());
    all.drafts += one.drafts;
    all.generate_ms =
        std::max(all.prompt_ms + all.generate_ms, one.prompt_ms + one.generate_ms) - all.prompt_ms;
  }
  return all;
}

/// null where a number cannot be written: an impossible token.
Json number_json(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

Json logprob_json(const TextLogprob& entry) {
  return {{"id", static_cast<int32_t>(entry.id)},
          {"token", entry.bytes},
          {"logprob", number_json(entry.logprob)}};
}

Json logprobs_json(const std::vector<GeneratedLogprob>& logprobs) {
  auto list = Json::array();
  for (const GeneratedLogprob& one : logprobs) {
    list.push_back(logprob_json(one.token));
    auto top = Json::array();
    for (const TextLogprob& entry : one.top) top.push_back(logprob_json(entry));
    list.back()["top"] = std::move(top);
  }
  return list;
}

Json depths_json(const DraftCounts& drafts) {
  auto by_depth = Json::array();
  for (size_t d = 0; d < static_cast<size_t>(drafts.depth()); d++)
    by_depth.push_back({{"proposed", drafts.proposed_at[d]}, {"accepted", drafts.accepted_at[d]}});
  return by_depth;
}

Json classes_json(const DraftStatistics& drafts) {
  auto by_class = Json::object();
  for (int i = 0; i < kDraftClasses; i++) {
    const DraftCounts& counts = drafts.of(static_cast<DraftClass>(i));
    if (counts.proposed == 0) continue;
    by_class[draft_class_name(static_cast<DraftClass>(i))] = {{"proposed", counts.proposed},
                                                              {"accepted", counts.accepted},
                                                              {"by_depth", depths_json(counts)},
                                                              {"steps", counts.steps}};
  }
  return by_class;
}

/// The text itself, whoever wrote beside it.
Json text_json(const Generation& generation) {
  Json tokens = Json::array();
  for (const TokenId id : generation.tokens) tokens.push_back(static_cast<int32_t>(id));
  Json object = {{"text", generation.text},
                 {"tokens", tokens},
                 {"finish", finish_name(generation.finish)},
                 {"logits_xxh64", fmt::format("{:016x}", generation.logits_xxh64)}};
  if (generation.stop_string >= 0) object["stop_string"] = generation.stop_string;
  if (generation.mean_logprob) object["mean_logprob"] = number_json(*generation.mean_logprob);
  if (!generation.logprobs.empty()) object["logprobs"] = logprobs_json(generation.logprobs);
  return object;
}

}  // namespace

std::string summary_text(std::span<const Generation> texts, const RunFacts& facts) {
  const Generation generation = together(texts);
  std::string text;
  const auto line = [&text](std::string_view title, std::string_view content) {
    text += fmt::format("{:<10} {}\n", title, content);
  };
  line("device", fmt::format("{}; loaded in {:.0f} ms", facts.device, facts.load_ms));
  line("prompt", fmt::format("{} tokens in {:.1f} ms, {:.1f} tokens/s", generation.prompt_tokens,
                             generation.prompt_ms,
                             per_second(generation.prompt_tokens, generation.prompt_ms)));
  line("generated", fmt::format("{} tokens in {:.1f} ms, {:.1f} tokens/s (ended by {})",
                                generation.tokens.size(), generation.generate_ms,
                                generated_per_second(generation), finish_name(generation.finish)));
  line("drafts", facts.drafts ? drafts_text(generation.drafts) : "none");
  for (int i = 0; i < kDraftClasses; i++) {
    const auto drafts = static_cast<DraftClass>(i);
    const DraftCounts& counts = generation.drafts.of(drafts);
    if (counts.proposed > 0 && counts.proposed < generation.drafts.proposed)
      line(fmt::format("  by {}", draft_class_name(drafts)), counts_text(counts));
  }
  if (!generation.step_ms.empty()) line("a step", costs_text(generation.step_ms));
  const int64_t weights = facts.memory.weights.total();
  line("memory", fmt::format("weights {}, keys, values, states and step buffers {}",
                             bytes_text(static_cast<double>(weights)),
                             bytes_text(static_cast<double>(facts.device_bytes))));
  if (facts.sampled) line("seed", fmt::format("{}", facts.seed));
  if (weights < kCachedWeightsBytes)
    line("note", fmt::format("a model this small ({}) lives in the processor's cache: drafts save "
                             "reading weights from memory, so here they gain little",
                             bytes_text(static_cast<double>(weights))));
  for (const std::string& note : facts.notes) line("note", note);
  return text;
}

std::string choices_text(std::span<const Generation> texts) {
  std::string text;
  for (size_t i = 0; i < texts.size(); i++) {
    const Generation& one = texts[i];
    text += fmt::format("--- {}", i + 1);
    if (one.mean_logprob) text += fmt::format(", log-probability {:.3f}", *one.mean_logprob);
    text += fmt::format(" ---\n{}{}", one.text, one.text.ends_with('\n') ? "" : "\n");
  }
  return text;
}

std::string summary_json(std::span<const Generation> texts, const RunFacts& facts) {
  const Generation all = together(texts);
  Json object = text_json(texts.front());
  object["prompt_tokens"] = all.prompt_tokens;
  object["seed"] = facts.seed;
  object["timings"] = {{"load_ms", facts.load_ms},
                       {"prompt_ms", all.prompt_ms},
                       {"generate_ms", all.generate_ms},
                       {"prompt_tokens_per_s", per_second(all.prompt_tokens, all.prompt_ms)},
                       {"generate_tokens_per_s", generated_per_second(all)}};
  object["draft"] = {{"proposed", all.drafts.proposed},
                     {"accepted", all.drafts.accepted},
                     {"by_depth", depths_json(all.drafts)},
                     {"by_class", classes_json(all.drafts)},
                     {"step_ms", all.step_ms},
                     {"steps", all.drafts.steps}};
  if (texts.size() > 1) {
    object["choices"] = Json::array();
    for (const Generation& one : texts) object["choices"].push_back(text_json(one));
  }
  return object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace troika::cli
