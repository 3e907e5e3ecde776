// A model on several ranks of MPI: rank 0 runs the command, with a device that the others are
// members of; they follow. docs/tensor_parallelism.md.
//
//   main ── join() ─┬─ rank 0: the command ── make_device() ── GroupDevice ─┬─ CPU device
//                   │                                                      └─ RemoteDevices
//                   └─ others: follow() ── a CPU device each ◄── channels ─────┘
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "device/device.h"
#include "device/mpi/mpi_world.h"
#include "device/remote/pulse.h"
#include "device/remote/weight_files.h"
#include "gguf/file.h"
#include "runtime/devices.h"
#include "runtime/ranks/rank_hello.h"

namespace troika {

struct RankOptions {
  std::string version;             // of the program
  std::vector<std::string> files;  // of the models, in order; empty ones are passed over
  DeviceOptions device;
  /// Called on other ranks than 0 as soon as they know that they are: whoever ends the job asks
  /// rank 0 to, and they end with it.
  std::function<void()> on_follower;
};

class Ranks final : public RankedDevices {
 public:
  /// Starts MPI and meets the other ranks; all call it with the same options. To be called before
  /// there are threads and before anything is given up of the system: connections to all ranks
  /// stand when it returns.
  /// Errors: those of MpiWorld::join() and check_ranks(), on all ranks alike; cancelled — the
  /// same, but on another rank than 0, which has told. MPI is at its end then. With
  /// DeviceOptions::measured_shares also those of the CPU device, which is measured here.
  static Result<std::unique_ptr<Ranks>> join(const RankOptions& options);

  ~Ranks() override;
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  /// Whether this is rank 0.
  bool leads() const { return world_->rank() == 0; }

  /// On rank 0: all ranks as one device, once. `files` are those of RankOptions, open for as long
  /// as the device. Errors: invalid_argument — other shares than ranks, or a second call;
  /// device_lost; those of the CPU device.
  Result<std::unique_ptr<Device>> make_device(const DeviceOptions& options,
                                              std::span<const gguf::File* const> files) override;

  /// On the others: works for rank 0 until that ends. Errors: device_lost; those of the device.
  /// @param on_leader_lost  called on another thread if rank 0 is silent for too long. Whatever
  /// this rank waits for will not come, so it must end the process.
  Status follow(const std::function<void(const Error&)>& on_leader_lost);

  /// The last thing on every rank: ends MPI in order where all ranks do, else all ranks at once.
  /// Returns the exit status, `exit_code`.
  int leave(int exit_code);

 private:
  explicit Ranks(std::unique_ptr<MpiWorld> world) : world_(std::move(world)) {}
  Status open_files(const RankOptions& options, RankHello& hello);
  Status greet_all();
  Status measure_all();
  bool all_leave();
  std::unique_ptr<GroupTransport> make_transport();
  Result<std::unique_ptr<Device>> make_member(const DeviceOptions& options) const;
  Result<Shares> choose_shares(const DeviceOptions& options) const;

  std::unique_ptr<MpiWorld> world_;
  std::vector<gguf::File> files_;
  std::vector<RankHello> hellos_;                    // by rank
  std::vector<double> speeds_;                       // by rank, where shares follow them
  std::vector<std::unique_ptr<Channel>> commands_;   // by rank; to rank 0 alone on the others
  std::vector<std::unique_ptr<Channel>> exchanges_;  // by rank
  std::vector<std::unique_ptr<Channel>> farewells_;  // by rank; as commands_
  std::optional<Pulse> pulse_;                       // after all have met
  remote::WeightFiles weights_;
  DeviceOptions device_;
  bool device_made_ = false;
  std::atomic<bool> lost_{false};  // a rank is
};

}  // namespace troika
