#include "device/delayed/delayed_device.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace troika {
namespace {

constexpr int kPoison = 0xA5;

/// Makes the guarded buffers touchable for the time of one call to the inner device.
class Unlocked {
 public:
  explicit Unlocked(std::optional<HostAllocator>& guarded) : guarded_(guarded) {
    if (guarded_) guarded_->unlock();
  }
  ~Unlocked() {
    if (guarded_) guarded_->lock();
  }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

 private:
  std::optional<HostAllocator>& guarded_;
};

class DelayedDevice final : public Device {
 public:
  DelayedDevice(std::unique_ptr<Device> inner, DelayedOptions options)
      : inner_(std::move(inner)),
        options_(std::move(options)),
        info_(inner_->info()),
        random_(options_.seed) {
    info_.name = "delayed " + info_.name;
    if (options_.guarded) options_.guarded->lock();
    worker_ = std::thread([this] { work(); });
  }

  ~DelayedDevice() override {
    {
      const std::lock_guard lock(queue_mutex_);
      stopping_ = true;
    }
    queue_changed_.notify_all();
    worker_.join();
    if (options_.guarded) options_.guarded->unlock();
  }

  const DeviceInfo& info() const override { return info_; }

  bool supports(const Op& op, DType dtype) const override { return inner_->supports(op, dtype); }

  Result<std::unique_ptr<Buffer>> allocate(int64_t bytes) override {
    return at_once([&] { return inner_->allocate(bytes); });
  }

  Result<std::unique_ptr<Buffer>> allocate_state(const StateSpec& spec, const StateOptions& options,
                                                 int64_t units) override {
    return at_once([&] { return inner_->allocate_state(spec, options, units); });
  }

  Result<std::unique_ptr<ImportedWeight>> import_weight(const WeightInfo& weight,
                                                        const ImportOptions& options) override {
    return at_once([&] { return inner_->import_weight(weight, options); });
  }

  int64_t weight_bytes(const WeightInfo& weight) const override {
    return inner_->weight_bytes(weight);
  }

  Result<std::unique_ptr<Executable>> compile(const Graph& graph, const Sizes& sizes,
                                              const Resources& resources) override {
    return at_once([&] { return inner_->compile(graph, sizes, resources); });
  }

  Result<Event> run(Executable& program, const Bindings& bindings) override {
    return queue([this, &program, bindings] { return finish(inner_->run(program, bindings)); });
  }

  Result<Event> write(BufferView to, std::span<const std::byte> source) override {
    std::vector<std::byte> bytes(source.begin(), source.end());
    return queue([this, to, bytes = std::move(bytes)] { return finish(inner_->write(to, bytes)); });
  }

  Result<Event> read(BufferView from, std::span<std::byte> destination) override {
    if (!destination.empty()) std::memset(destination.data(), kPoison, destination.size());
    return queue([this, from, destination]() -> Status {
      std::vector<std::byte> bytes(destination.size());
      TROIKA_RETURN_IF_ERROR(finish(inner_->read(from, bytes)));
      std::ranges::copy(bytes, destination.begin());
      return ok();
    });
  }

  Result<Event> copy(BufferView from, BufferView to, int64_t bytes) override {
    return queue([this, from, to, bytes] { return finish(inner_->copy(from, to, bytes)); });
  }

  Status wait(Event event) override {
    std::unique_lock lock(queue_mutex_);
    if (event.number > accepted_)
      return fail(ErrorCode::invalid_argument, "wait for call {} of {}", event.number, accepted_);
    queue_changed_.wait(lock, [&] { return finished_ >= event.number; });
    const auto first = errors_.begin();
    if (first == errors_.end() || first->first > event.number) return ok();
    Error error = std::move(first->second);
    errors_.erase(first, errors_.upper_bound(event.number));
    return error;
  }

 private:
  using Call = std::function<Status()>;

  /// Carries out `call` on this thread while the worker keeps away from the inner device.
  template <typename Function>
  std::invoke_result_t<Function> at_once(Function call) {
    const std::lock_guard lock(inner_mutex_);
    const Unlocked unlocked(options_.guarded);
    return call();
  }

  Result<Event> queue(Call call) {
    uint64_t number = 0;
    {
      const std::lock_guard lock(queue_mutex_);
      calls_.push_back(std::move(call));
      number = ++accepted_;
    }
    queue_changed_.notify_all();
    return Event{number};
  }

  /// Waits for a call of the inner device.
  Status finish(const Result<Event>& event) {
    if (!event.ok()) return event.error();
    return inner_->wait(*event);
  }

  void work() {
    std::unique_lock lock(queue_mutex_);
    while (true) {
      queue_changed_.wait(lock, [this] { return stopping_ || !calls_.empty(); });
      if (calls_.empty()) return;
      const Call call = std::move(calls_.front());
      calls_.pop_front();
      lock.unlock();
      std::this_thread::sleep_for(delay());
      const Status status = at_once(call);
      lock.lock();
      finished_++;
      if (!status.ok()) errors_.emplace(finished_, status.error());
      queue_changed_.notify_all();
    }
  }

  /// Half of the calls follow at once, so that the caller meets both a busy and an idle device.
  std::chrono::microseconds delay() {
    const uint64_t number = random_();
    if (number % 2 == 0) return std::chrono::microseconds{0};
    return std::chrono::microseconds{number / 2 %
                                     static_cast<uint64_t>(options_.delay_max.count() + 1)};
  }

  std::unique_ptr<Device> inner_;
  DelayedOptions options_;
  DeviceInfo info_;
  std::mt19937_64 random_;  // the worker's alone
  std::mutex inner_mutex_;  // held during calls to inner_

  std::mutex queue_mutex_;  // holds all below
  std::condition_variable queue_changed_;
  std::deque<Call> calls_;
  uint64_t accepted_ = 0;
  uint64_t finished_ = 0;
  std::map<uint64_t, Error> errors_;  // of finished calls, until a wait tells them
  bool stopping_ = false;
  std::thread worker_;
};

}  // namespace

std::unique_ptr<Device> make_delayed_device(std::unique_ptr<Device> inner, DelayedOptions options) {
  return std::make_unique<DelayedDevice>(std::move(inner), std::move(options));
}

}  // namespace troika
