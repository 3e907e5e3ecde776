// A sequence to a file and back: what the device holds of it is read and written unit by unit, so
// that the text goes on with the same bits.
#pragma once

#include <string>

#include "core/result.h"
#include "engine/forward.h"
#include "engine/sequence.h"
#include "engine/sequence_memory.h"
#include "engine/session_file.h"

namespace troika {

/// Writes the tokens of `s`, which is answering or has ended, and what is computed of them to the
/// file at `path`.
/// @param draft_head  the head has read as far as the trunk; see Drafter::settle().
/// @param model  model_fingerprint() of what is loaded.
/// Errors: invalid_argument — its prompt is not read yet; those of the file and the device.
Status save_session(Forward& forward, const Sequence& s, bool draft_head, uint64_t model,
                    const std::string& path);

/// Whether a text on `forward` can go on from `file`.
/// @param wants_head  the text is to be drafted by the model's head.
/// Errors: invalid_argument — it is of another model, kind of device, KV type or depth of drafts,
///   by name.
Status check_session(const Forward& forward, const SessionFile& file, bool wants_head,
                     uint64_t model);

/// Lets `s`, which holds nothing and whose tokens begin with those that are computed in `file`, go
/// on behind them. `file` passed check_session(). Errors: exhausted — too few pages; the device's.
Status restore_session(Forward& forward, SequenceMemory& memory, Sequence& s,
                       const SessionFile& file);

}  // namespace troika
