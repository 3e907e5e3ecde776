// Where a sequence lies in device memory, unit by unit: what is to be copied elsewhere so that it
// can go on from there.
#pragma once

#include <cstdint>
#include <functional>

#include "core/result.h"
#include "engine/forward.h"
#include "engine/sequence.h"

namespace troika {

using UnitCall = std::function<Status(size_t state, int64_t unit)>;

/// Calls `call` for every unit that holds something of `s`, which has a slot: of keys and values,
/// the pages of its first `tokens` tokens; of recurrent states, that of its slot; of hidden rows,
/// the one before the first that is not computed. State by state, in the order of their numbers.
Status for_each_unit(const Forward& forward, const Sequence& s, int64_t tokens,
                     const UnitCall& call);

}  // namespace troika
