// Groups whose members, but for the first, are behind channels: what ranks of MPI are, in one
// process, with a thread for each follower.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "device/cpu/cpu_device.h"
#include "device/group/group_device.h"
#include "device/remote/follower.h"
#include "device/remote/mesh_transport.h"
#include "device/remote/remote_device.h"
#include "engine/loaded_model.h"
#include "model/registry.h"

namespace troika::testing {

inline std::unique_ptr<Device> one_cpu() {
  auto device = make_cpu_device({.threads = 1, .pin = false, .shared_work_min = 0});
  if (!device.ok()) throw std::runtime_error(device.error().message());
  return std::move(*device);
}

/// A device of a follower.
using MakeDevice = std::function<std::unique_ptr<Device>(int64_t member)>;

class RemoteGroup {
 public:
  explicit RemoteGroup(
      const std::filesystem::path& path, const Shares& shares,
      const MakeDevice& make = [](int64_t) { return one_cpu(); },
      std::chrono::milliseconds silence = std::chrono::seconds(60))
      : here_(open(path)), there_(open(path)) {
    files_here_.add(here_);
    files_there_.add(there_);
    const size_t count = shares.size();
    std::vector<std::vector<std::unique_ptr<Channel>>> mesh(count);
    for (auto& peers : mesh) peers.resize(count);
    for (size_t a = 0; a < count; a++)
      for (size_t b = a + 1; b < count; b++) std::tie(mesh[a][b], mesh[b][a]) = make_channel_pair();
    std::vector<std::unique_ptr<Device>> members;
    members.push_back(make(0));
    ended_.resize(count, ok());
    for (size_t m = 1; m < count; m++) {
      auto [leader, follower] = make_channel_pair();
      start(m, make(static_cast<int64_t>(m)), std::move(follower),
            std::make_unique<MeshTransport>(std::move(mesh[m])));
      auto member = make_remote_device(std::move(leader), files_here_,
                                       {.place = fmt::format("rank {}", m), .silence = silence});
      if (!member.ok()) throw std::runtime_error(member.error().message());
      members.push_back(std::move(*member));
    }
    auto group = make_group_device(std::move(members), shares,
                                   std::make_unique<MeshTransport>(std::move(mesh[0])));
    if (!group.ok()) throw std::runtime_error(group.error().message());
    device_ = std::move(*group);
  }

  ~RemoteGroup() {
    loaded_ = {};
    device_.reset();
    for (std::thread& thread : threads_) thread.join();
  }

  Device& device() { return *device_; }

  /// The model of the file, on the group.
  LoadedModel& load(const ModelOptions& options = {}) {
    Result<Model> model = make_model(here_, options);
    if (!model.ok()) throw std::runtime_error(model.error().message());
    Result<LoadedModel> loaded = load_model(here_, std::move(*model), *device_, {});
    if (!loaded.ok()) throw std::runtime_error(loaded.error().message());
    loaded_ = std::move(*loaded);
    return loaded_;
  }

 private:
  static gguf::File open(const std::filesystem::path& path) {
    Result<gguf::File> file = gguf::File::open(path);
    if (!file.ok()) throw std::runtime_error(file.error().message());
    return std::move(*file);
  }

  void start(size_t member, std::unique_ptr<Device> device, std::unique_ptr<Channel> leader,
             std::unique_ptr<GroupTransport> transport) {
    threads_.emplace_back([this, member, device = std::move(device), leader = std::move(leader),
                           transport = std::move(transport)]() mutable {
      ended_[member] = follow(*device, files_there_,
                              {.leader = std::move(leader),
                               .transport = std::move(transport),
                               .sign_of_life = std::chrono::milliseconds(50)});
    });
  }

  gguf::File here_, there_;
  remote::WeightFiles files_here_, files_there_;
  std::vector<Status> ended_;
  std::vector<std::thread> threads_;
  std::unique_ptr<Device> device_;
  LoadedModel loaded_;
};

}  // namespace troika::testing
