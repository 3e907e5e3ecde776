#include "device/cpu/buffers.h"

namespace troika::cpu {

Result<std::byte*> bytes_at(const BufferView& view, int64_t bytes, std::string_view what) {
  const auto* buffer = dynamic_cast<const CpuBuffer*>(view.buffer);
  if (buffer == nullptr)
    return fail(ErrorCode::invalid_argument, "{}: {}", what,
                view.buffer == nullptr ? "no buffer" : "a buffer of another device");
  if (view.offset < 0 || bytes < 0 || bytes > buffer->bytes() - view.offset)
    return fail(ErrorCode::invalid_argument, "{}: {} bytes at {} of a buffer of {}", what, bytes,
                view.offset, buffer->bytes());
  return buffer->data() + view.offset;
}

Result<std::byte*> numbers_at(const BufferView& view, int64_t count, std::string_view what) {
  if (view.offset % 4 != 0)
    return fail(ErrorCode::invalid_argument, "{}: starts at byte {}, wanted a multiple of 4", what,
                view.offset);
  return bytes_at(view, count * 4, what);
}

}  // namespace troika::cpu
