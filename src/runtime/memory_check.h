// Whether a model with its context fits the machine, asked before anything is allocated.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"
#include "device/device.h"
#include "engine/engine.h"
#include "engine/memory_plan.h"
#include "model/model.h"

namespace troika {

/// Sums for a longer context are refused: they might not fit an integer.
inline constexpr int64_t kPlannedTokensMax = int64_t{1} << 32;

/// Texts of at most `tokens` tokens each, and what is kept of them.
struct ContextSize {
  int64_t tokens = 0;
  int64_t sequences = 1;  // at the same time
  int64_t chunk_tokens = 0;
  int64_t draft_tokens_max = 0;
  DType kv_dtype = DType::f16;
  CacheOptions cache;
  int64_t pages = 0;        // as EngineOptions has it
  double step_ms_max = 0;   // the same
  int64_t spill_bytes = 0;  // the same

  /// Of an engine for those texts. `context` tokens instead of its own.
  EngineOptions engine_options(int64_t context) const;
};

/// The sum for texts of `size`, each at most kPlannedTokensMax long.
/// @param draft_model  that drafts beside the model's own head; null: none.
MemoryPlan plan_context(const Model& model, const ContextSize& size,
                        const Model* draft_model = nullptr);

/// Pages whose keys and values fit into `bytes`.
int64_t pages_in(const Model& model, DType kv_dtype, int64_t bytes);

/// Bytes that this process could still use without others being driven out; `fallback` where the
/// system does not tell. Linux: MemAvailable.
int64_t memory_available(int64_t fallback);

/// Asks before anything is imported; of the weights counts what they take on `device`.
/// @param draft_model  as plan_context() takes it.
/// Errors: invalid_argument — a layer's keys and values cannot be stored as size.kv_dtype, with the
/// types that can; exhausted — the sum is more than `available_bytes`; the message has both and
/// what makes up the sum.
Status check_memory(const Model& model, const ContextSize& size, const Device& device,
                    int64_t available_bytes, const Model* draft_model = nullptr);

/// "3.2 GiB", "14.5 MiB": three digits or so.
std::string bytes_text(double bytes);

}  // namespace troika
