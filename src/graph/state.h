// Memory that lives from step to step: KV pages, recurrent states with their replay log, hidden
// rows. The model declares what it needs; the engine decides how many units (pages, slots) there
// are; the device arranges the inside of a unit as it likes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/dtype.h"
#include "core/result.h"

namespace troika {

inline constexpr int64_t kPageTokens =
    64;  // keys of a page; also the block in which attention takes keys
inline constexpr int64_t kPartitionTokens =
    512;  // keys of a partition: absolute positions, merged left to right

/// Keys and values of one attention layer; a unit is a page of kPageTokens tokens, shared by number
/// among all layers. q8_0 stores 32 numbers x of one head's row of one token as f16 d and int8 q,
/// all in float32: d = amax / 127 as f16 (not a number if an x is not finite), q = x (1 / d) to
/// nearest even and within +-127, 0 where d is; x is then read as q d, which is exact.
struct KvState {
  int64_t kv_heads = 0;
  int64_t key_dim = 0;
  int64_t value_dim = 0;

  bool operator==(const KvState&) const = default;
};

/// The last taps - 1 raw inputs of a causal convolution, and the raw inputs of unverified tokens; a
/// unit is a sequence slot.
struct ConvState {
  int64_t channels = 0;
  int64_t taps = 0;

  bool operator==(const ConvState&) const = default;
};

/// The matrices of a gated delta rule [heads, value_dim, key_dim] f32, and for each unverified
/// token the decay, key and value delta of every head; a unit is a sequence slot.
struct DeltaState {
  int64_t heads = 0;
  int64_t key_dim = 0;
  int64_t value_dim = 0;

  bool operator==(const DeltaState&) const = default;
};

/// Hidden rows kept for the draft head; a unit is one row f32.
struct HiddenState {
  int64_t width = 0;

  bool operator==(const HiddenState&) const = default;
};

using StateSpec = std::variant<KvState, ConvState, DeltaState, HiddenState>;

/// A state as a model declares it.
struct StateInfo {
  std::string name;  // "blk.3.kv", for messages
  StateSpec spec;
  bool draft_head = false;  // belongs to the draft head alone
};

/// What the engine fixes for all states when it allocates them.
struct StateOptions {
  DType kv_dtype = DType::f16;  // one of kv_dtypes()
  int64_t log_tokens = 0;       // unverified tokens that a recurrent state can log per sequence
};

/// The types in which keys and values can be stored, and whether `dtype` is one of them.
std::span<const DType> kv_dtypes();
bool is_kv_dtype(DType dtype);

/// Their names: "f16, bf16, q8_0 or f32".
std::string kv_dtype_names();

/// The one of them that is called so. Errors: invalid_argument — with their names.
Result<DType> kv_dtype_named(std::string_view name);

/// Whether a unit of `spec` can be stored under `options`; devices ask before they allocate.
/// Errors: unsupported — not a KV type; invalid_argument — the size of a head is not a multiple of
/// the type's block.
Status check_state(const StateSpec& spec, const StateOptions& options);

/// Bytes of one unit of `spec`.
int64_t state_unit_bytes(const StateSpec& spec, const StateOptions& options);

/// Bytes that one logged token takes in `spec`; 0 for states without a log.
int64_t state_log_bytes(const StateSpec& spec);

}  // namespace troika
