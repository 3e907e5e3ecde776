// What each member of a group will hold of a model, before any of it is loaded: the sums of what
// loading asks of its device.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "device/device.h"
#include "engine/engine.h"
#include "graph/shares.h"
#include "model/model.h"

namespace troika {

/// Bytes of one member.
struct MemberMemory {
  int64_t weights = 0;
  int64_t kv = 0;      // its keys and values, of all pages
  int64_t states = 0;  // its recurrent states with their logs, and hidden rows
  int64_t work = 0;    // plain buffers, which all members have alike, and programs
  int64_t own = 0;     // what its device has for itself; 0: it draws on main memory, as others do
  int64_t total() const { return weights + kv + states + work; }
};

/// Sums up what members with these shares hold of `model` and an engine with `options`; one share:
/// a device alone.
/// @param devices  of each share one, which says what a weight and a program take there; nothing is
///     allocated on it.
/// Errors: those of shard(); invalid_argument — a state that cannot be stored in options.kv_dtype.
Result<std::vector<MemberMemory>> member_memory(const Model& model, const EngineOptions& options,
                                                const Shares& shares,
                                                std::span<const Device* const> devices);

/// Whether members find all that they need: in memory of their own, or, one after the other, in
/// `available_bytes` of main memory. Errors: exhausted — naming the first that does not, what it
/// needs and what is there.
Status check_fit(std::span<const MemberMemory> members, std::span<const std::string> names,
                 int64_t available_bytes);

}  // namespace troika
