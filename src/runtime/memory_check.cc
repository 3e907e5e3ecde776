#include "runtime/memory_check.h"

#include <charconv>
#include <string>
#include <string_view>

#include "core/text_file.h"

namespace troika {
namespace {

/// The sum for texts of `pages` pages each.
MemoryPlan plan_pages(const Model& model, const ContextSize& size, int64_t pages) {
  MemoryNeed need = Engine::memory_need(model, size.engine_options(kPageTokens));
  need.pages += size.sequences * (pages - 1);
  return plan_memory(model.weights, model.states, need);
}

int64_t pages_of(int64_t tokens) {
  return tokens / kPageTokens + (tokens % kPageTokens != 0);
}

}  // namespace

EngineOptions ContextSize::engine_options(int64_t context) const {
  return {.context = context,
          .sequences_max = sequences,
          .chunk_tokens = chunk_tokens,
          .draft_tokens_max = draft_tokens_max,
          .kv_dtype = kv_dtype,
          .cache = cache};
}

MemoryPlan plan_context(const Model& model, const ContextSize& size) {
  return plan_pages(model, size, pages_of(size.tokens));
}

int64_t memory_available(int64_t fallback) {
  constexpr std::string_view kKey = "MemAvailable:";
  const Result<std::string> text = read_text_file("/proc/meminfo");
  if (!text.ok()) return fallback;
  size_t at = text->find(kKey);
  if (at == std::string::npos) return fallback;
  at = text->find_first_of("0123456789", at + kKey.size());
  if (at == std::string::npos) return fallback;
  int64_t kibibytes = 0;
  const auto [stop, error] =
      std::from_chars(text->data() + at, text->data() + text->size(), kibibytes);
  return error == std::errc() ? kibibytes * 1024 : fallback;
}

Status check_memory(const Model& model, const ContextSize& size, const Device& device,
                    int64_t available_bytes) {
  for (const StateInfo& state : model.states)
    if (const Status status = check_state(state.spec, {.kv_dtype = size.kv_dtype}); !status.ok())
      return fail(status.error().code(), "{}: {}", state.name, status.error().message());
  // In floating point: a context that makes no sense must not wrap round into one that fits.
  const MemoryPlan rest = plan_pages(model, size, 0);
  const auto rest_kv_bytes = static_cast<double>(rest.kv.total());  // pages of the cache
  const double page_bytes =
      static_cast<double>(plan_pages(model, size, 1).kv.total()) - rest_kv_bytes;
  const double kv_bytes = rest_kv_bytes + page_bytes * static_cast<double>(pages_of(size.tokens));
  double weight_bytes = 0;
  for (const WeightInfo& weight : model.weights)
    weight_bytes += static_cast<double>(device.weight_bytes(weight));
  const auto other_bytes =
      static_cast<double>(rest.total() - rest.weights.total() - rest.kv.total());
  const double wanted = weight_bytes + kv_bytes + other_bytes;
  if (wanted <= static_cast<double>(available_bytes)) return ok();
  return fail(ErrorCode::exhausted,
              "a context of {} tokens takes {} (weights {}, keys and values {}, other states {}) "
              "and {} are available; wanted a smaller --ctx-size or model",
              size.tokens, bytes_text(wanted), bytes_text(weight_bytes), bytes_text(kv_bytes),
              bytes_text(other_bytes), bytes_text(static_cast<double>(available_bytes)));
}

std::string bytes_text(double bytes) {
  constexpr std::string_view kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
  size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < std::size(kUnits)) {
    bytes /= 1024;
    unit++;
  }
  const int decimals = unit == 0 || bytes >= 100 ? 0 : 1;
  return fmt::format("{:.{}f} {}", bytes, decimals, kUnits[unit]);
}

}  // namespace troika
