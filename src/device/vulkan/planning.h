// A program under way: what the functions that plan single ops look up, and where they put what
// they plan. One function for each op, in plan_*.cc.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "device/device.h"
#include "device/vulkan/buffers.h"
#include "device/vulkan/pipelines.h"
#include "device/vulkan/program.h"
#include "device/vulkan/schedule.h"
#include "device/vulkan/weights.h"

namespace troika::vulkan {

/// What a device lends for making a program.
struct Workshop {
  Stream& stream;
  Pipelines& pipelines;
  PartAllocator& memory;
};

class Planning {
 public:
  Planning(const Graph& graph, const Sizes& sizes, const Resources& resources,
           const Workshop& workshop);

  /// The weight of an op, checked against its shape. Errors: invalid_argument — missing, imported
  /// for another use or by another device, or of another shape.
  Result<const VulkanWeight*> matrix(const Weight& weight) const;
  Result<const VulkanWeight*> stack(const Weight& weight) const;
  Result<const VulkanWeight*> vector(const Weight& weight) const;

  /// The buffer of a state with the sizes of `wanted`. Errors: invalid_argument — missing, another
  /// device's, allocated with other sizes or options.
  Result<const VulkanBuffer*> state(State state, const StateSpec& wanted) const;

  Result<VkPipeline> pipeline(std::string_view name,
                              std::initializer_list<uint32_t> constants = {}) {
    return workshop_.pipelines.get(name, constants);
  }

  /// A table for shaders to read; its address. Errors: exhausted.
  Result<uint64_t> constant(const std::vector<uint32_t>& words);

  void add(Record record, const Access& access) { schedule_.add(std::move(record), access); }
  void add_on_host(HostWork work, const Access& access) {
    schedule_.add_on_host(std::move(work), access);
  }
  /// A slot of `row_bytes` bytes for each row.
  Slot add_slot(Rows rows, int64_t row_bytes) {
    return schedule_.add_slot(rows_max(rows) * row_bytes);
  }

  void read(Input input) { program_->reads[static_cast<size_t>(input)] = true; }
  Status read_row_blocks(int64_t blocks);
  void store_outputs() { program_->hidden_out_of_outputs = true; }

  /// The slot that has the span of each row (shaders/locate.comp), made once.
  Result<Slot> row_spans(Rows rows);

  /// Sets the rows of a value that no span covers to zero. Errors: those of the driver.
  Status zero_uncovered(const Tensor& value);

  /// The group that the program is a member's of. Errors: invalid_argument — there is none.
  Result<Transport*> transport() const;
  int64_t member() const { return resources_.member; }
  /// What exchanges write and their readers read, so that they keep their order.
  State group() const { return {static_cast<int32_t>(resources_.states.size())}; }
  /// Numbers the exchange whose value `exchange` is: exchanges count from 0.
  int64_t add_exchange(const Tensor& exchange);
  /// Errors: invalid_argument — it is none.
  Result<int64_t> number_of(const Tensor& exchange) const;

  const Sizes& sizes() const { return program_->sizes; }

  /// Takes note of a node's value, before its op is planned; whether all was in order, after.
  void begin(const Node& node);
  Status check() const { return schedule_.check(); }

  /// The program, after all nodes. Errors: invalid_argument — a result that is no value; exhausted.
  Result<std::unique_ptr<Program>> finish();

 private:
  int64_t rows_max(Rows rows) const;
  Status name_results();
  Result<const VulkanWeight*> weight(const Weight& weight, std::string_view use) const;

  const Graph& graph_;
  const Resources& resources_;
  Workshop workshop_;
  Schedule schedule_;
  std::unique_ptr<Program> program_ = std::make_unique<Program>();
  std::vector<int32_t> exchanges_;  // ids of their values
  Slot token_spans_ = -1;
  Slot output_spans_ = -1;
};

Status plan(Planning& planning, const Embed& op, const Tensor& y);
Status plan(Planning& planning, const MatMul& op, const Tensor& y);
Status plan(Planning& planning, const MatMulBlocks& op, const Tensor& y);
Status plan(Planning& planning, const RmsNorm& op, const Tensor& y);
Status plan(Planning& planning, const L2Norm& op, const Tensor& y);
Status plan(Planning& planning, const Rope& op, const Tensor& y);
Status plan(Planning& planning, const KvWrite& op, const Tensor& y);
Status plan(Planning& planning, const Attention& op, const Tensor& y);
Status plan(Planning& planning, const CausalConv& op, const Tensor& y);
Status plan(Planning& planning, const GatedDeltaRule& op, const Tensor& y);
Status plan(Planning& planning, const RouterTopK& op, const Tensor& y);
Status plan(Planning& planning, const ExpertMatMul& op, const Tensor& y);
Status plan(Planning& planning, const ExpertSum& op, const Tensor& y);
Status plan(Planning& planning, const Add& op, const Tensor& y);
Status plan(Planning& planning, const AddBias& op, const Tensor& y);
Status plan(Planning& planning, const SwiGlu& op, const Tensor& y);
Status plan(Planning& planning, const Gate& op, const Tensor& y);
Status plan(Planning& planning, const Concat& op, const Tensor& y);
Status plan(Planning& planning, const Slice& op, const Tensor& y);
Status plan(Planning& planning, const GatherRows& op, const Tensor& y);
Status plan(Planning& planning, const StoreRows& op, const Tensor& y);
Status plan(Planning& planning, const LoadRows& op, const Tensor& y);
Status plan(Planning& planning, const Argmax& op, const Tensor& y);
Status plan(Planning& planning, const BlockRow& op, const Tensor& y);
Status plan(Planning& planning, const ArgmaxPair& op, const Tensor& y);
Status plan(Planning& planning, const Exchange& op, const Tensor& y);
Status plan(Planning& planning, const SumParts& op, const Tensor& y);
Status plan(Planning& planning, const BestPair& op, const Tensor& y);

/// Plans a whole graph. Errors: those of graph.check(); unsupported — an op, by name;
/// invalid_argument — weights or states that do not fit; exhausted.
Result<std::unique_ptr<Program>> plan_program(const Graph& graph, const Sizes& sizes,
                                              const Resources& resources, const Workshop& workshop);

/// A count as shaders take it; counts of a program are checked to fit when it is planned.
inline uint32_t count32(int64_t count) {
  return static_cast<uint32_t>(count);
}

}  // namespace troika::vulkan
