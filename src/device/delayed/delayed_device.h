// A test wrapper over any device that behaves as the slowest accelerator may: calls return at once
// and are carried out later, in order, after random delays. Whoever reads a result before waiting,
// or reuses memory too early, is found out.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "device/device.h"
#include "device/host_memory.h"

namespace troika {

struct DelayedOptions {
  uint64_t seed = 0;                         // of the delays
  std::chrono::microseconds delay_max{200};  // before each call, from 0 to this
  std::optional<HostAllocator> guarded;  // where `inner` has its buffers: locked between the calls
};

/// Wraps `inner`. run, write, read and copy are queued for a worker thread; all their errors
/// surface in wait, once, the earliest first. The destination of read() is filled with 0xA5 at once
/// and gets the data when the call is carried out. The other calls happen at once, between two
/// queued ones. Buffers, weights and programs are those of `inner`, so wait for the calls that use
/// them before dropping them. Destroying the device finishes what was accepted.
std::unique_ptr<Device> make_delayed_device(std::unique_ptr<Device> inner, DelayedOptions options);

}  // namespace troika
