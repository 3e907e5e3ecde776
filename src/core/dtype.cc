#include "core/dtype.h"

#include <array>

#include "core/check.h"

namespace troika {
namespace {

constexpr DTypeInfo kDTypes[] = {
#define TROIKA_ROW(name, id, block, bytes, decodes, encodes) \
  {#name, id, block, bytes, decodes != 0, encodes != 0},
    TROIKA_DTYPES(TROIKA_ROW)
#undef TROIKA_ROW
};

}  // namespace

std::span<const DTypeInfo> dtypes() {
  return kDTypes;
}

const DTypeInfo& dtype_info(DType dtype) {
  return kDTypes[static_cast<size_t>(dtype)];
}

std::optional<DType> dtype_from_gguf(uint32_t id) {
  for (size_t i = 0; i < std::size(kDTypes); i++)
    if (kDTypes[i].gguf_id == id) return static_cast<DType>(i);
  return std::nullopt;
}

int64_t dtype_bytes(DType dtype, int64_t elements) {
  const DTypeInfo& info = dtype_info(dtype);
  TROIKA_CHECK(elements % info.block == 0);
  return elements / info.block * info.bytes;
}

}  // namespace troika
