#include "runtime/memory_check.h"

#include <charconv>
#include <string>
#include <string_view>

#include "core/text_file.h"

namespace troika {
namespace {

/// Engine::memory_need() or Engine::draft_model_need().
using NeedOf = MemoryNeed (*)(const Model&, const EngineOptions&);

/// The sum where sequences have `pages` pages in all.
MemoryPlan plan_pages(const Model& model, const ContextSize& size, int64_t pages, NeedOf need_of) {
  EngineOptions options = size.engine_options(kPageTokens);
  options.pages = 0;  // then each sequence has one
  MemoryNeed need = need_of(model, options);
  need.pages += pages - size.sequences;
  return plan_memory(model.weights, model.states, need);
}

int64_t pages_of(int64_t tokens) {
  return tokens / kPageTokens + (tokens % kPageTokens != 0);
}

/// In floating point: a context that makes no sense must not wrap round into one that fits.
struct Bytes {
  double weights = 0;
  double kv = 0;
  double other = 0;
  double total() const { return weights + kv + other; }
};

Bytes bytes_of(const Model& model, const ContextSize& size, int64_t pages_shared, NeedOf need_of,
               const Device& device) {
  const MemoryPlan rest = plan_pages(model, size, 0, need_of);
  const auto rest_kv_bytes = static_cast<double>(rest.kv.total());  // pages of the cache
  const double page_bytes =
      static_cast<double>(plan_pages(model, size, 1, need_of).kv.total()) - rest_kv_bytes;
  const double pages = pages_shared > 0 ? static_cast<double>(pages_shared)
                                        : static_cast<double>(size.sequences) *
                                              static_cast<double>(pages_of(size.tokens));
  Bytes bytes{.kv = rest_kv_bytes + page_bytes * pages,
              .other = static_cast<double>(rest.total() - rest.weights.total() - rest.kv.total())};
  for (const WeightInfo& weight : model.weights)
    bytes.weights += static_cast<double>(device.weight_bytes(weight));
  return bytes;
}

Status check_states(const Model& model, DType kv_dtype) {
  for (const StateInfo& state : model.states)
    if (const Status status = check_state(state.spec, {.kv_dtype = kv_dtype}); !status.ok())
      return fail(status.error().code(), "{}: {}", state.name, status.error().message());
  return ok();
}

}  // namespace

EngineOptions ContextSize::engine_options(int64_t context) const {
  return {.context = context,
          .sequences_max = sequences,
          .chunk_tokens = chunk_tokens,
          .draft_tokens_max = draft_tokens_max,
          .kv_dtype = kv_dtype,
          .cache = cache,
          .pages = pages,
          .spill_bytes = spill_bytes,
          .step_ms_max = step_ms_max};
}

MemoryPlan plan_context(const Model& model, const ContextSize& size, const Model* draft_model) {
  const int64_t pages = size.sequences * pages_of(size.tokens);
  MemoryPlan plan =
      plan_pages(model, size, size.pages > 0 ? size.pages : pages, Engine::memory_need);
  if (draft_model != nullptr)
    plan.draft_model = plan_pages(*draft_model, size, pages, Engine::draft_model_need).total();
  return plan;
}

int64_t pages_in(const Model& model, DType kv_dtype, int64_t bytes) {
  const int64_t page_bytes =
      plan_memory({}, model.states, {.pages = 1, .options = {.kv_dtype = kv_dtype}}).kv.total();
  return page_bytes > 0 ? bytes / page_bytes : 0;
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
                    int64_t available_bytes, const Model* draft_model) {
  TROIKA_RETURN_IF_ERROR(check_states(model, size.kv_dtype));
  const Bytes bytes = bytes_of(model, size, size.pages, Engine::memory_need, device);
  double wanted = bytes.total();
  std::string drafts;
  if (draft_model != nullptr) {
    TROIKA_RETURN_IF_ERROR(check_states(*draft_model, size.kv_dtype));
    const double draft_bytes =
        bytes_of(*draft_model, size, 0, Engine::draft_model_need, device).total();
    wanted += draft_bytes;
    drafts = ", draft model " + bytes_text(draft_bytes);
  }
  if (wanted <= static_cast<double>(available_bytes)) return ok();
  return fail(ErrorCode::exhausted,
              "a context of {} tokens takes {} (weights {}, keys and values {}, other states {}{}) "
              "and {} are available; wanted a smaller --ctx-size or model",
              size.tokens, bytes_text(wanted), bytes_text(bytes.weights), bytes_text(bytes.kv),
              bytes_text(bytes.other), drafts, bytes_text(static_cast<double>(available_bytes)));
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
