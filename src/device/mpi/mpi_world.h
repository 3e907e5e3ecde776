// Ranks of MPI as this project uses them: one communicator, channels between pairs, and one text
// from everybody to everybody. The one place that knows MPI; any library of version 3 will do.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "device/channel.h"

namespace troika {

/// What all channels of a process share.
struct MpiShared;

class MpiWorld {
 public:
  /// Starts MPI, once in a process and before there are threads. Outside of mpirun there is one
  /// rank. Errors: unsupported — built without MPI, or this MPI allows calls from one thread alone
  /// (wanted: MPI_THREAD_SERIALIZED).
  static Result<std::unique_ptr<MpiWorld>> join();

  /// Leaves nothing behind that could still be called; end() or abort() must have been.
  ~MpiWorld();
  MpiWorld(const MpiWorld&) = delete;
  MpiWorld& operator=(const MpiWorld&) = delete;

  int64_t rank() const { return rank_; }
  int64_t ranks() const { return ranks_; }

  /// Tells all ranks `text` and returns what each said, by rank. All call it at the same time.
  /// Errors: invalid_argument — longer than kTextBytesMax; device_lost.
  Result<std::vector<std::string>> tell_all(std::string_view text);
  static constexpr size_t kTextBytesMax = 16'000;

  /// A channel to another rank; both sides make it with the same `tag`. No thread but those that
  /// call it works for it. It may be used until end().
  std::unique_ptr<Channel> channel(int64_t peer, int tag);

  /// Ends MPI: all ranks do.
  void end();

  /// Ends all ranks at once, with this exit status.
  [[noreturn]] void abort(int exit_code);

 private:
  MpiWorld() = default;
  std::shared_ptr<MpiShared> shared_;
  int64_t rank_ = 0;
  int64_t ranks_ = 1;
};

}  // namespace troika
