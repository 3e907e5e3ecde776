// A device that goes away, for tests of what becomes of the others.
#pragma once

#include <memory>
#include <utility>

#include "device/device.h"

namespace troika::testing {

/// A device that fails in its `fails_at`-th run.
class FailingDevice final : public Device {
 public:
  FailingDevice(std::unique_ptr<Device> inner, int fails_at)
      : inner_(std::move(inner)), fails_at_(fails_at) {}

  const DeviceInfo& info() const override { return inner_->info(); }
  bool supports(const Op& op, DType dtype) const override { return inner_->supports(op, dtype); }
  Result<std::unique_ptr<Buffer>> allocate(int64_t bytes) override {
    return inner_->allocate(bytes);
  }
  Result<std::unique_ptr<Buffer>> allocate_state(const StateSpec& spec, const StateOptions& options,
                                                 int64_t units) override {
    return inner_->allocate_state(spec, options, units);
  }
  Result<std::unique_ptr<ImportedWeight>> import_weight(const WeightInfo& weight,
                                                        const ImportOptions& options) override {
    return inner_->import_weight(weight, options);
  }
  Result<std::unique_ptr<Executable>> compile(const Graph& graph, const Sizes& sizes,
                                              const Resources& resources) override {
    return inner_->compile(graph, sizes, resources);
  }
  Result<Event> run(Executable& program, const Bindings& bindings) override {
    if (++runs_ == fails_at_) return fail(ErrorCode::device_lost, "it went away");
    return inner_->run(program, bindings);
  }
  Result<Event> write(BufferView to, std::span<const std::byte> source) override {
    return inner_->write(to, source);
  }
  Result<Event> read(BufferView from, std::span<std::byte> destination) override {
    return inner_->read(from, destination);
  }
  Result<Event> copy(BufferView from, BufferView to, int64_t bytes) override {
    return inner_->copy(from, to, bytes);
  }
  Status wait(Event event) override { return inner_->wait(event); }

 private:
  std::unique_ptr<Device> inner_;
  int fails_at_;
  int runs_ = 0;
};

}  // namespace troika::testing
