// How the members of a group see what the others have made: the devices' side of the op Exchange.
#pragma once

#include <cstdint>
#include <span>

#include "core/result.h"

namespace troika {

/// Joins the members of one group. Each member calls it from a thread of its own, with the same
/// exchanges in the same order.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Shows `mine` to the others as exchange `number` of the step (they count from 0) and returns
  /// when all members have shown theirs. `mine` must stay as it is until this member's next
  /// exchange has returned, or the step is over. False: the group has given the step up; what it
  /// computes from here on is thrown away.
  virtual bool exchange(int64_t member, int64_t number, std::span<const float> mine) = 0;

  /// What `member` showed at exchange `number`, to be read until the next exchange; null where the
  /// group has given up.
  virtual const float* shown(int64_t member, int64_t number) const = 0;
};

/// A transport as whoever runs the steps has it.
class GroupTransport : public Transport {
 public:
  /// Before each step, with no member inside.
  virtual void begin_step() = 0;

  /// Frees all that wait, in this step's later exchanges too. Thread-safe.
  virtual void give_up() = 0;

  /// After a step: whether members could be reached. A step that was only given up is ok.
  virtual Status status() const = 0;
};

}  // namespace troika
