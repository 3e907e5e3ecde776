#include "device/vulkan/program.h"

#include <algorithm>
#include <string_view>

#include "device/vulkan/buffers.h"

namespace troika::vulkan {
namespace {

constexpr int64_t kGroupsMax = 65535;  // along one axis, which every device can do
constexpr int64_t kVectorBytes = 16;

constexpr std::string_view kInputNames[] = {"token_ids",    "positions",  "spans",
                                            "output_spans", "page_table", "output_rows",
                                            "hidden_in",    "hidden_out", "row_blocks"};
constexpr std::string_view kOutputNames[] = {"logits", "argmax"};

/// How many numbers of an input a step reads.
int64_t count_of(const Program& program, Input input, const Bindings& bindings) {
  constexpr int64_t kSpanNumbers = sizeof(Span) / sizeof(int32_t);
  switch (input) {
    case Input::token_ids:
    case Input::positions:
    case Input::hidden_in:
      return bindings.tokens;
    case Input::output_rows:
      return bindings.outputs;
    case Input::hidden_out:
      return program.hidden_out_of_outputs ? bindings.outputs : bindings.tokens;
    case Input::spans:
      return bindings.sequences * kSpanNumbers;
    case Input::output_spans:
      return bindings.output_sequences * kSpanNumbers;
    case Input::row_blocks:
      return program.row_blocks;
    case Input::page_table:
      return 0;  // spans say how much of it counts
  }
  return 0;
}

}  // namespace

Groups fold_groups(int64_t count) {
  const int64_t y = (count + kGroupsMax - 1) / kGroupsMax;
  const int64_t x = y == 0 ? 0 : (count + y - 1) / y;
  return {static_cast<uint32_t>(x), static_cast<uint32_t>(y), 1};
}

Groups groups_of(int64_t invocations, int64_t size) {
  return fold_groups((invocations + size - 1) / size);
}

void Recorder::dispatch(VkPipeline pipeline, const void* push, size_t bytes, Groups groups) const {
  if (groups.x == 0 || groups.y == 0 || groups.z == 0) return;
  api_.vkCmdBindPipeline(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
  api_.vkCmdPushConstants(commands_, layout_, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                          static_cast<uint32_t>(bytes), push);
  api_.vkCmdDispatch(commands_, groups.x, groups.y, groups.z);
}

Result<Step> prepare_step(const Program& program, const Bindings& bindings) {
  TROIKA_RETURN_IF_ERROR(check_counts(bindings, program.sizes));
  Step step{.tokens = bindings.tokens,
            .outputs = bindings.outputs,
            .sequences = bindings.sequences,
            .output_sequences = bindings.output_sequences};
  for (size_t i = 0; i < kInputs; i++) {
    const auto input = static_cast<Input>(i);
    const BufferView& view = bindings[input];
    const int64_t count = count_of(program, input, bindings);
    const bool table = input == Input::page_table && view.buffer != nullptr;
    if (!program.reads[i] || (count == 0 && !table)) continue;
    TROIKA_TRY(step.inputs[i], address_of({view, count * 4, kInputNames[i]}, *program.stream));
    if (table) step.table_entries = (view.buffer->bytes() - view.offset) / 4;
  }
  const auto* arena = static_cast<const VulkanBuffer*>(program.arena.get());
  const uint64_t address = arena != nullptr ? arena->address() : 0;
  for (const SlotPlace& slot : program.slots) {
    step.slots.push_back(address + static_cast<uint64_t>(slot.offset));
    step.places.push_back({arena != nullptr ? arena->handle() : VK_NULL_HANDLE, slot.offset});
  }
  for (size_t i = 0; i < program.slots.size(); i++) {
    if (program.slots[i].output < 0) continue;
    const auto number = static_cast<size_t>(program.slots[i].output);
    const Spec& spec = *program.results[number];
    const BufferView& view = bindings[static_cast<Output>(number)];
    const int64_t count = step.rows(spec.rows) * spec.elements();
    if (count == 0) continue;
    const Range range{view, count * 4, kOutputNames[number]};
    TROIKA_TRY(step.slots[i], address_of(range, *program.stream));
    TROIKA_TRY(step.places[i], place_of(range, *program.stream));
    if (view.offset % kVectorBytes != 0)
      return fail(ErrorCode::invalid_argument, "{}: at byte {}, wanted a multiple of {}",
                  kOutputNames[number], view.offset, kVectorBytes);
  }
  return step;
}

}  // namespace troika::vulkan
