// What a group hands out: for each thing, what its members have of it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "device/device.h"
#include "graph/sharding.h"

namespace troika::group {

/// A weight: each member's part, and its copy of a table that is a matrix too. Null where a member
/// has none.
struct GroupWeight final : public ImportedWeight {
  WeightInfo info;  // without data
  std::vector<std::unique_ptr<ImportedWeight>> parts;
  std::vector<std::unique_ptr<ImportedWeight>> tables;
};

/// How the logits of the last step lie in the members' buffers.
struct ShownLogits {
  LogitsForm form = LogitsForm::none;
  std::vector<int64_t> widths;  // of a row, by member
  int64_t rows = 0;
  int64_t offset = 0;  // bytes

  int64_t width() const;  // of a whole row
};

/// Plain memory, which every member has in full, or a state.
struct GroupBuffer final : public Buffer {
  explicit GroupBuffer(int64_t bytes) : Buffer(bytes) {}

  bool is_state() const { return spec.has_value(); }
  /// Whether it is memory that every member has alike.
  bool alike() const { return !is_state() || whole; }

  std::vector<std::unique_ptr<Buffer>> parts;  // by member; none yet of a state before it is placed

  // Of a state:
  std::optional<StateSpec> spec;  // the whole
  StateOptions options;
  int64_t units = 0;
  int64_t unit_bytes = 0;
  bool whole = false;                                // every member has all of it
  std::vector<std::optional<StateSpec>> part_specs;  // by member
  std::vector<int64_t> part_bytes;                   // of a unit; 0: none

  // Of memory that logits were written to:
  ShownLogits logits;
};

struct GroupProgram final : public Executable {
  std::vector<std::unique_ptr<Executable>> programs;  // by member
  LogitsForm logits = LogitsForm::none;
  std::vector<int64_t> logit_widths;
  Sizes sizes;
  const void* owner = nullptr;  // the group that compiled it
};

/// Rows of logits made whole. `parts`: by member, its floats of those rows; `to`: rows of width().
void join_logits(const ShownLogits& logits, std::span<const std::vector<float>> parts,
                 std::span<float> to);

/// Makes room for the parts of a state that members have by `parts`, or, where it is there, checks
/// that they are those. Errors: unsupported — they are others; those of Device::allocate_state.
Status place_state(GroupBuffer& state, std::span<const std::optional<StateSpec>> parts,
                   std::span<const std::unique_ptr<Device>> members);

/// Some whole units of a state.
struct UnitRange {
  int64_t first = 0;
  int64_t count = 0;
};

/// The units in bytes [offset, offset + bytes). Errors: invalid_argument — no whole units, no state
/// that has been placed.
Result<UnitRange> units_at(const GroupBuffer& state, int64_t offset, int64_t bytes);

}  // namespace troika::group
