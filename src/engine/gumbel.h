// The noise that sampling adds to log-weights. It is a function of what is chosen, not of what was
// chosen before: a draft, its verification and a run without drafts all see the same number. The
// argmax over ids of log-weight + Gumbel noise draws an id with probability softmax(log-weights):
// the Gumbel-max identity (Maddison et al., arXiv 1411.0030, section 2).
#pragma once

#include <cstdint>

#include "core/ids.h"

namespace troika {

/// Names one draw: all ids compared in it share the key. Equal arguments, equal key; `choice`
/// numbers the alternatives asked for one prompt, `position` is the index in its sequence that the
/// drawn token will have.
uint64_t gumbel_key(uint64_t seed, int32_t choice, int64_t position);

/// A key for draws of another kind at the same place: step `stream` has its own noise, which no
/// id's draw shares.
uint64_t gumbel_stream(uint64_t key, uint32_t stream);

/// A uniform number inside (0, 1), never an end of it: an odd multiple of 2^-53, from 52 bits of
/// the hash of (key, id).
double gumbel_uniform(uint64_t key, TokenId id);

/// -log(-log(u)) for u of gumbel_uniform(): between -3.61 and 36.74.
double gumbel_noise(double u);

/// A number that gumbel_noise(u) does not exceed, without a logarithm: so most of a vocabulary is
/// never looked at closely. From -log u >= 1 - u follows noise <= -log(1 - u), and 1 - u >= 2^e
/// where e is its binary exponent.
double gumbel_limit(double u);

}  // namespace troika
