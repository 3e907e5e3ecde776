#include "device/cpu/cpu_device.h"

#include <cstring>

#include "core/memory_nodes.h"
#include "core/thread_pool.h"
#include "core/topology.h"
#include "device/cpu/buffers.h"
#include "device/cpu/planner.h"
#include "device/cpu/program_estimate.h"
#include "device/cpu/weights.h"

namespace troika {
namespace cpu {
namespace {

struct Supports {
  DType dtype;
  bool operator()(const Embed&) const { return imports(dtype, WeightUse::lookup); }
  bool operator()(const MatMul&) const { return imports(dtype, WeightUse::matmul); }
  bool operator()(const MatMulBlocks&) const { return imports(dtype, WeightUse::matmul); }
  bool operator()(const ExpertMatMul&) const { return imports(dtype, WeightUse::experts); }
  bool operator()(const ExpertSum&) const { return imports(dtype, WeightUse::experts); }
  bool operator()(const KvWrite&) const { return is_kv_dtype(dtype); }
  bool operator()(const Attention&) const { return is_kv_dtype(dtype); }
  template <typename AnyOther>
  bool operator()(const AnyOther&) const {
    return true;
  }
};

class CpuDevice final : public Device {
 public:
  /// @param nodes  memory nodes beside all of its threads; none: any
  CpuDevice(std::unique_ptr<ThreadPool> pool, Isa isa, int memory_nodes,
            const std::vector<int>& nodes, const CpuOptions& options)
      : pool_(std::move(pool)),
        kernels_(kernel_table(isa)),
        memory_(options.memory.with_own_account().on_memory_nodes(nodes)),
        state_memory_(options.memory.with_own_account().on_memory_nodes(nodes)),
        weights_(nodes),
        shared_work_min_(options.shared_work_min) {
    info_.name =
        fmt::format("cpu ({}, {} thread{}{})", isa_name(isa), pool_->threads(),
                    pool_->threads() == 1 ? "" : "s",
                    memory_nodes == 1 ? "" : fmt::format(", {} memory nodes", memory_nodes));
    info_.memory_bytes = memory_.limit_bytes();
  }

  const DeviceInfo& info() const override { return info_; }

  bool supports(const Op& op, DType dtype) const override {
    return std::visit(Supports{dtype}, op);
  }

  Result<std::unique_ptr<Buffer>> allocate(int64_t bytes) override {
    TROIKA_TRY(HostMemory memory, memory_.allocate(bytes));
    return std::make_unique<CpuBuffer>(std::move(memory), std::nullopt);
  }

  Result<std::unique_ptr<Buffer>> allocate_state(const StateSpec& spec, const StateOptions& options,
                                                 int64_t units) override {
    if (const Status status = check_state(spec, options); !status.ok())
      return fail(status.error().code(), "{}: {}", info_.name, status.error().message());
    TROIKA_TRY(const int64_t bytes, state_bytes(info_, spec, options, units));
    TROIKA_TRY(HostMemory memory, state_memory_.allocate(bytes));
    return std::make_unique<CpuBuffer>(std::move(memory), StateShape{spec, options, units});
  }

  Result<std::unique_ptr<ImportedWeight>> import_weight(const WeightInfo& weight,
                                                        const ImportOptions& options) override {
    return cpu::import_weight(weight, {*pool_, weights_, info_.name, options});
  }

  int64_t weight_bytes(const WeightInfo& weight) const override { return imported_bytes(weight); }

  int64_t program_bytes(const Graph& graph, const Sizes& sizes) const override {
    return Device::program_bytes(graph, sizes) +
           estimate_beside_values(graph, sizes, pool_->threads());
  }

  HeldMemory held() const override {
    return {.weights = weights_.held_bytes(),
            .states = state_memory_.held_bytes(),
            .work = memory_.held_bytes()};
  }

  Result<std::unique_ptr<Executable>> compile(const Graph& graph, const Sizes& sizes,
                                              const Resources& resources) override {
    TROIKA_TRY(std::unique_ptr<Program> program,
               plan_program(graph, sizes, resources, pool_->threads()));
    TROIKA_RETURN_IF_ERROR(reserve_memory(*program, memory_, kernels_, pool_->threads()));
    return std::unique_ptr<Executable>(std::move(program));
  }

  Result<Event> run(Executable& program, const Bindings& bindings) override {
    auto* mine = dynamic_cast<Program*>(&program);
    if (mine == nullptr || mine->step.kernels != &kernels_)
      return fail(ErrorCode::invalid_argument, "the program was compiled by another device");
    TROIKA_RETURN_IF_ERROR(run_program(*mine, bindings, *pool_, shared_work_min_));
    return Event{++calls_};
  }

  Result<Event> write(BufferView to, std::span<const std::byte> source) override {
    TROIKA_TRY(std::byte* const target, bytes_at(to, std::ssize(source), "write"));
    if (!source.empty()) std::memcpy(target, source.data(), source.size());
    return Event{++calls_};
  }

  Result<Event> read(BufferView from, std::span<std::byte> destination) override {
    TROIKA_TRY(const std::byte* const source, bytes_at(from, std::ssize(destination), "read"));
    if (!destination.empty()) std::memcpy(destination.data(), source, destination.size());
    return Event{++calls_};
  }

  Result<Event> copy(BufferView from, BufferView to, int64_t bytes) override {
    TROIKA_TRY(const std::byte* const source, bytes_at(from, bytes, "copy from"));
    TROIKA_TRY(std::byte* const target, bytes_at(to, bytes, "copy to"));
    if (from.buffer == to.buffer && from.offset < to.offset + bytes &&
        to.offset < from.offset + bytes)
      return fail(ErrorCode::invalid_argument, "copy of {} bytes from {} to {} overlaps", bytes,
                  from.offset, to.offset);
    if (bytes > 0) std::memcpy(target, source, static_cast<size_t>(bytes));
    return Event{++calls_};
  }

  Status wait(Event event) override {
    if (event.number > calls_)
      return fail(ErrorCode::invalid_argument, "wait for call {} of {}", event.number, calls_);
    return ok();
  }

 private:
  std::unique_ptr<ThreadPool> pool_;
  KernelTable kernels_;
  HostAllocator memory_, state_memory_;
  AlignedArena weights_;
  int64_t shared_work_min_;
  DeviceInfo info_;
  uint64_t calls_ = 0;
};

}  // namespace
}  // namespace cpu

Result<std::unique_ptr<Device>> make_cpu_device(const CpuOptions& options) {
  Placement placement{.threads = options.threads, .pins = {}};
  int memory_nodes = 1;
  std::vector<int> near_nodes;
  if (options.threads == 0 || options.pin || !options.processors.empty()) {
    const std::vector<Core> cores = available_cores();
    TROIKA_TRY(placement, place_threads(cores, {.threads = options.threads,
                                                .processors = options.processors,
                                                .pin = options.pin}));
    near_nodes = memory_nodes_of(cores, options.processors);
    memory_nodes = options.processors.empty() ? count_memory_nodes(cores)
                                              : static_cast<int>(near_nodes.size());
  }
  Result<std::unique_ptr<ThreadPool>> pool = ThreadPool::create(placement.threads, placement.pins);
  if (!pool.ok() && pool.error().code() == ErrorCode::unsupported && options.processors.empty())
    pool = ThreadPool::create(placement.threads);
  if (!pool.ok()) return pool.error();
  const Isa isa = detect_cpu_features().best(options.isa_max);
  return std::unique_ptr<Device>(
      std::make_unique<cpu::CpuDevice>(std::move(*pool), isa, memory_nodes, near_nodes, options));
}

}  // namespace troika
