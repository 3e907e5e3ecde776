#include "cli/generation_report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/memory_check.h"

namespace troika::cli {
namespace {

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

/// null where a number cannot be written: an impossible token.
nlohmann::ordered_json number_json(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
}

nlohmann::ordered_json logprob_json(const TextLogprob& entry) {
  return {{"id", static_cast<int32_t>(entry.id)},
          {"token", entry.bytes},
          {"logprob", number_json(entry.logprob)}};
}

nlohmann::ordered_json logprobs_json(const std::vector<GeneratedLogprob>& logprobs) {
  auto list = nlohmann::ordered_json::array();
  for (const GeneratedLogprob& one : logprobs) {
    list.push_back(logprob_json(one.token));
    auto top = nlohmann::ordered_json::array();
    for (const TextLogprob& entry : one.top) top.push_back(logprob_json(entry));
    list.back()["top"] = std::move(top);
  }
  return list;
}

nlohmann::ordered_json depths_json(const DraftCounts& drafts) {
  auto by_depth = nlohmann::ordered_json::array();
  for (size_t d = 0; d < static_cast<size_t>(drafts.depth()); d++)
    by_depth.push_back({{"proposed", drafts.proposed_at[d]}, {"accepted", drafts.accepted_at[d]}});
  return by_depth;
}

nlohmann::ordered_json classes_json(const DraftStatistics& drafts) {
  auto by_class = nlohmann::ordered_json::object();
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

}  // namespace

std::string summary_text(const Generation& generation, const RunFacts& facts) {
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

std::string summary_json(const Generation& generation, const RunFacts& facts) {
  using Json = nlohmann::ordered_json;
  Json tokens = Json::array();
  for (const TokenId id : generation.tokens) tokens.push_back(static_cast<int32_t>(id));
  const DraftStatistics& drafts = generation.drafts;
  Json object = {
      {"text", generation.text},
      {"tokens", tokens},
      {"prompt_tokens", generation.prompt_tokens},
      {"finish", finish_name(generation.finish)},
      {"seed", facts.seed},
      {"timings",
       {{"load_ms", facts.load_ms},
        {"prompt_ms", generation.prompt_ms},
        {"generate_ms", generation.generate_ms},
        {"prompt_tokens_per_s", per_second(generation.prompt_tokens, generation.prompt_ms)},
        {"generate_tokens_per_s", generated_per_second(generation)}}},
      {"draft",
       {{"proposed", drafts.proposed},
        {"accepted", drafts.accepted},
        {"by_depth", depths_json(drafts)},
        {"by_class", classes_json(drafts)},
        {"step_ms", generation.step_ms},
        {"steps", drafts.steps}}},
      {"logits_xxh64", fmt::format("{:016x}", generation.logits_xxh64)}};
  if (generation.stop_string >= 0) object["stop_string"] = generation.stop_string;
  if (!generation.logprobs.empty()) object["logprobs"] = logprobs_json(generation.logprobs);
  return object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace troika::cli
