#include "runtime/link_probe.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include "device/group/crew.h"
#include "device/group/shared_transport.h"

namespace troika {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Seconds of an exchange at which each member shows `floats` and reads all that others show.
Result<double> time_exchanges(int64_t members, int64_t floats, int64_t count) {
  group::SharedTransport transport(members);
  TROIKA_TRY(const auto crew, group::Crew::create(members));
  std::vector<double> seconds(static_cast<size_t>(members));
  transport.begin_step();
  crew->run([&](int64_t member) {
    std::vector<float> mine(static_cast<size_t>(floats), 1);
    std::vector<float> theirs(mine.size());
    int64_t number = 0;
    const auto exchange = [&] {
      transport.exchange(member, number, mine);
      for (int64_t other = 0; other < members; other++)
        if (const float* shown = transport.shown(other, number); other != member)
          std::memcpy(theirs.data(), shown, theirs.size() * sizeof(float));
      number++;
    };
    for (int64_t i = 0; i < count; i++) exchange();  // warms up
    const Clock::time_point start = Clock::now();
    for (int64_t i = 0; i < count; i++) exchange();
    seconds[static_cast<size_t>(member)] = seconds_since(start) / static_cast<double>(count);
    // What was shown last is read until the slowest has read it.
    transport.exchange(member, number, {});
  });
  return std::ranges::max(seconds);
}

}  // namespace

Result<LinkSpeed> measure_link(int64_t members) {
  constexpr int64_t kFloats = int64_t{1} << 18;
  if (members == 1) return LinkSpeed{};
  TROIKA_TRY(const double empty_s, time_exchanges(members, 1, 2000));
  TROIKA_TRY(const double full_s, time_exchanges(members, kFloats, 20));
  const double bytes = static_cast<double>((members - 1) * kFloats) * sizeof(float);
  return LinkSpeed{.latency_s = empty_s, .bytes_per_s = bytes / std::max(full_s - empty_s, 1e-9)};
}

}  // namespace troika
