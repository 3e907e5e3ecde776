// The transport of members in one process: they read each other's memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "device/transport.h"

namespace troika::group {

/// A barrier that hands pointers around. Every member must call exchange() from a thread that
/// really runs; one that cannot come must have give_up() called for it.
class SharedTransport final : public GroupTransport {
 public:
  explicit SharedTransport(int64_t members);

  void begin_step() override;
  void give_up() override;
  Status status() const override { return ok(); }
  bool exchange(int64_t member, int64_t number, std::span<const float> mine) override;
  const float* shown(int64_t member, int64_t number) const override;

 private:
  size_t place(int64_t member, int64_t number) const;

  int64_t members_;
  // By parity of the number, by member: who is an exchange ahead writes beside what others read.
  std::vector<const float*> shown_;
  alignas(64) std::atomic<uint32_t> arrived_{0};
  alignas(64) std::atomic<uint32_t> rounds_{0};
  std::atomic<bool> given_up_{false};
};

}  // namespace troika::group
