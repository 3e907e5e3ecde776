// Another transport, with an account of the time that members spend in it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "device/transport.h"

namespace troika::group {

class TimedTransport final : public Transport {
 public:
  /// `inner` is borrowed.
  TimedTransport(Transport& inner, int64_t members)
      : inner_(inner), spent_(static_cast<size_t>(members)) {}

  bool exchange(int64_t member, int64_t number, std::span<const float> mine) override;
  const float* shown(int64_t member, int64_t number) const override {
    return inner_.shown(member, number);
  }

  /// Seconds that members have spent in exchanges, waiting included, on the average over members:
  /// by number of the exchange in its step, of all steps so far. With no member inside.
  std::vector<double> exchange_seconds() const;

 private:
  /// What one member has spent; on lines of its own.
  struct alignas(64) Spent {
    std::vector<int64_t> nanoseconds;  // by number
  };

  Transport& inner_;
  std::vector<Spent> spent_;
};

}  // namespace troika::group
