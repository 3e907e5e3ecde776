#include "device/vulkan/vulkan_device.h"

#include <optional>
#include <utility>

#include "device/vulkan/buffers.h"
#include "device/vulkan/instance.h"
#include "device/vulkan/planning.h"
#include "device/vulkan/weights.h"

namespace troika {
namespace vulkan {
namespace {

bool has_kv_type(DType dtype) {
  return dtype == DType::f16 || dtype == DType::bf16 || dtype == DType::f32;
}

struct Supports {
  DType dtype;
  bool operator()(const Embed&) const { return imports(dtype, WeightUse::lookup); }
  bool operator()(const MatMul&) const { return imports(dtype, WeightUse::matmul); }
  bool operator()(const MatMulBlocks&) const { return imports(dtype, WeightUse::matmul); }
  bool operator()(const ExpertMatMul&) const { return imports(dtype, WeightUse::experts); }
  bool operator()(const ExpertSum&) const { return imports(dtype, WeightUse::experts); }
  bool operator()(const KvWrite&) const { return has_kv_type(dtype); }
  bool operator()(const Attention&) const { return has_kv_type(dtype); }
  template <typename AnyOther>
  bool operator()(const AnyOther&) const {
    return true;
  }
};

/// Whether a unit of a state can be kept as the shaders want it.
Status check_unit(const StateSpec& spec, const StateOptions& options, const std::string& device) {
  if (const Status status = check_state(spec, options); !status.ok())
    return fail(status.error().code(), "{}: {}", device, status.error().message());
  const auto* kv = std::get_if<KvState>(&spec);
  if (kv == nullptr) return ok();
  if (!has_kv_type(options.kv_dtype))
    return fail(ErrorCode::unsupported, "{}: keys and values as {}, wanted f16, bf16 or f32",
                device, dtype_info(options.kv_dtype).name);
  if (kv->key_dim % 2 != 0 || kv->value_dim % 2 != 0)
    return fail(ErrorCode::unsupported, "{}: keys of {} and values of {} numbers, wanted even ones",
                device, kv->key_dim, kv->value_dim);
  return ok();
}

class VulkanDevice final : public Device {
 public:
  VulkanDevice(std::unique_ptr<Gpu> gpu, std::unique_ptr<Stream> stream,
               std::unique_ptr<Pipelines> pipelines)
      : gpu_(std::move(gpu)),
        stream_(std::move(stream)),
        pipelines_(std::move(pipelines)),
        weights_(*gpu_, *stream_) {
    info_.name = fmt::format("vulkan ({})", gpu_->info().name);
    info_.memory_bytes = gpu_->info().memory_bytes;
    if (gpu_->info().own_memory) info_.elsewhere_bytes = info_.memory_bytes;
  }

  const DeviceInfo& info() const override { return info_; }

  bool supports(const Op& op, DType dtype) const override {
    return std::visit(Supports{dtype}, op);
  }

  Result<std::unique_ptr<Buffer>> allocate(int64_t bytes) override {
    TROIKA_TRY(Memory memory, gpu_->allocate(bytes, MemoryKind::device));
    return std::make_unique<VulkanBuffer>(std::move(memory), std::nullopt, *stream_);
  }

  Result<std::unique_ptr<Buffer>> allocate_state(const StateSpec& spec, const StateOptions& options,
                                                 int64_t units) override {
    TROIKA_RETURN_IF_ERROR(check_unit(spec, options, info_.name));
    TROIKA_TRY(const int64_t bytes, state_bytes(info_, spec, options, units));
    TROIKA_TRY(Memory memory, gpu_->allocate(bytes, MemoryKind::device));
    return std::make_unique<VulkanBuffer>(std::move(memory), StateShape{spec, options, units},
                                          *stream_);
  }

  Result<std::unique_ptr<ImportedWeight>> import_weight(const WeightInfo& weight,
                                                        const ImportOptions& options) override {
    return vulkan::import_weight(weight, {*stream_, weights_, info_.name, options});
  }

  Result<std::unique_ptr<Executable>> compile(const Graph& graph, const Sizes& sizes,
                                              const Resources& resources) override {
    TROIKA_TRY(std::unique_ptr<Program> program,
               plan_program(graph, sizes, resources, {*stream_, *pipelines_, weights_}));
    TROIKA_TRY(program->arena, allocate(program->arena_bytes));
    return std::unique_ptr<Executable>(std::move(program));
  }

  Result<Event> run(Executable& program, const Bindings& bindings) override {
    const auto* mine = dynamic_cast<const Program*>(&program);
    if (mine == nullptr || mine->stream != stream_.get())
      return fail(ErrorCode::invalid_argument, "the program was compiled by another device");
    TROIKA_TRY(Step step, prepare_step(*mine, bindings));
    step.faults = stream_->faults_address();
    TROIKA_RETURN_IF_ERROR(record(*mine, step));
    const Event event{stream_->end_call()};
    TROIKA_RETURN_IF_ERROR(stream_->submit());
    return event;
  }

  Result<Event> write(BufferView to, std::span<const std::byte> source) override {
    TROIKA_TRY(const Place place, place_of({to, std::ssize(source), "write"}, *stream_));
    TROIKA_TRY(const uint64_t call, stream_->write(place, source));
    return Event{call};
  }

  Result<Event> read(BufferView from, std::span<std::byte> destination) override {
    TROIKA_TRY(const Place place, place_of({from, std::ssize(destination), "read"}, *stream_));
    TROIKA_TRY(const uint64_t call, stream_->read(place, destination));
    return Event{call};
  }

  Result<Event> copy(BufferView from, BufferView to, int64_t bytes) override {
    TROIKA_TRY(const Place source, place_of({from, bytes, "copy from"}, *stream_));
    TROIKA_TRY(const Place target, place_of({to, bytes, "copy to"}, *stream_));
    if (from.buffer == to.buffer && from.offset < to.offset + bytes &&
        to.offset < from.offset + bytes)
      return fail(ErrorCode::invalid_argument, "copy of {} bytes from {} to {} overlaps", bytes,
                  from.offset, to.offset);
    TROIKA_TRY(const uint64_t call, stream_->copy(source, target, bytes));
    return Event{call};
  }

  Result<Event> fill(BufferView to, std::byte value, int64_t bytes) override {
    if (to.offset % 4 != 0 || bytes % 4 != 0) return Device::fill(to, value, bytes);
    TROIKA_TRY(const Place place, place_of({to, bytes, "fill"}, *stream_));
    TROIKA_TRY(const uint64_t call, stream_->fill(place, value, bytes));
    return Event{call};
  }

  Status wait(Event event) override { return stream_->wait(event.number); }

 private:
  /// Records what a step does; work on the host is done at once.
  Status record(const Program& program, const Step& step) {
    std::optional<Recorder> recorder;
    for (const Command& command : program.commands) {
      if (command.on_host) {
        recorder.reset();
        TROIKA_RETURN_IF_ERROR(command.on_host(step, *stream_));
        continue;
      }
      if (recorder && command.waits) recorder->barrier();
      if (!recorder) {
        TROIKA_TRY(const VkCommandBuffer commands, stream_->begin_call());
        recorder.emplace(gpu_->api(), pipelines_->layout(), commands);
      }
      command.record(step, *recorder);
    }
    return ok();
  }

  std::unique_ptr<Gpu> gpu_;  // outlives what follows
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Pipelines> pipelines_;
  PartAllocator weights_;
  DeviceInfo info_;
};

}  // namespace
}  // namespace vulkan

Result<std::vector<VulkanDeviceInfo>> list_vulkan_devices() {
  TROIKA_TRY(const std::unique_ptr<vulkan::Instance> instance, vulkan::Instance::make());
  TROIKA_TRY(const std::vector<vulkan::PhysicalDevice> devices, instance->devices());
  std::vector<VulkanDeviceInfo> infos;
  for (const vulkan::PhysicalDevice& device : devices) infos.push_back(device.info);
  return infos;
}

Result<std::unique_ptr<Device>> make_vulkan_device(std::string_view which) {
  TROIKA_TRY(std::unique_ptr<vulkan::Gpu> gpu, vulkan::Gpu::open(which));
  TROIKA_TRY(std::unique_ptr<vulkan::Stream> stream, vulkan::Stream::make(*gpu));
  TROIKA_TRY(std::unique_ptr<vulkan::Pipelines> pipelines, vulkan::Pipelines::make(*gpu));
  return std::unique_ptr<Device>(std::make_unique<vulkan::VulkanDevice>(
      std::move(gpu), std::move(stream), std::move(pipelines)));
}

}  // namespace troika
