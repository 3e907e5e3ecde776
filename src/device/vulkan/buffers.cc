#include "device/vulkan/buffers.h"

namespace troika::vulkan {
namespace {

Result<const VulkanBuffer*> buffer_of(const Range& range, const Stream& stream) {
  const BufferView& view = range.view;
  const auto* buffer = dynamic_cast<const VulkanBuffer*>(view.buffer);
  if (buffer == nullptr || !buffer->is_of(stream))
    return fail(ErrorCode::invalid_argument, "{}: no buffer of this device", range.what);
  if (view.offset < 0 || range.bytes < 0 || range.bytes > buffer->bytes() - view.offset)
    return fail(ErrorCode::invalid_argument, "{}: {} bytes at {} of a buffer of {}", range.what,
                range.bytes, view.offset, buffer->bytes());
  return buffer;
}

}  // namespace

Result<Place> place_of(const Range& range, const Stream& stream) {
  TROIKA_TRY(const VulkanBuffer* buffer, buffer_of(range, stream));
  return Place{buffer->handle(), range.view.offset};
}

Result<uint64_t> address_of(const Range& range, const Stream& stream) {
  TROIKA_TRY(const VulkanBuffer* buffer, buffer_of(range, stream));
  if (range.view.offset % 4 != 0)
    return fail(ErrorCode::invalid_argument, "{}: numbers at byte {}", range.what,
                range.view.offset);
  return buffer->address() + static_cast<uint64_t>(range.view.offset);
}

}  // namespace troika::vulkan
