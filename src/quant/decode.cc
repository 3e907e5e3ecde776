#include "quant/decode.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/check.h"
#include "core/printable.h"
#include "quant/decoders.h"

namespace troika {
namespace {

using Decoder = void (*)(const std::byte* source, float* target, int64_t blocks);

#define TROIKA_DECODER_0(name) nullptr
#define TROIKA_DECODER_1(name) &quant::decode_##name
#define TROIKA_ROW(name, id, block, bytes, decodes, encodes) TROIKA_DECODER_##decodes(name),
constexpr Decoder kDecoders[] = {TROIKA_DTYPES(TROIKA_ROW)};
#undef TROIKA_ROW
#undef TROIKA_DECODER_1
#undef TROIKA_DECODER_0

using Finite = bool (*)(const std::byte* source, int64_t blocks);

#define TROIKA_FINITE_0(name) nullptr
#define TROIKA_FINITE_1(name) &quant::finite_##name
#define TROIKA_ROW(name, id, block, bytes, decodes, encodes) TROIKA_FINITE_##decodes(name),
constexpr Finite kFinite[] = {TROIKA_DTYPES(TROIKA_ROW)};
#undef TROIKA_ROW
#undef TROIKA_FINITE_1
#undef TROIKA_FINITE_0

constexpr int64_t kChunk = 1024;  // a multiple of every block length

}  // namespace

void decode_row(DType dtype, const std::byte* source, float* target, int64_t elements) {
  const DTypeInfo& info = dtype_info(dtype);
  TROIKA_CHECK(info.decodes);
  TROIKA_CHECK(elements >= 0 && elements % info.block == 0);
  kDecoders[static_cast<size_t>(dtype)](source, target, elements / info.block);
}

bool surely_finite(DType dtype, const std::byte* source, int64_t elements) {
  const DTypeInfo& info = dtype_info(dtype);
  TROIKA_CHECK(info.decodes);
  TROIKA_CHECK(elements >= 0 && elements % info.block == 0);
  return kFinite[static_cast<size_t>(dtype)](source, elements / info.block);
}

Status check_finite(DType dtype, const std::byte* source, int64_t elements, std::string_view name) {
  if (surely_finite(dtype, source, elements)) return ok();
  std::array<float, kChunk> values;
  for (int64_t begin = 0; begin < elements; begin += kChunk) {
    const int64_t count = std::min(kChunk, elements - begin);
    decode_row(dtype, source + dtype_bytes(dtype, begin), values.data(), count);
    const auto end = values.begin() + count;
    const auto bad = std::find_if(values.begin(), end, [](float x) { return !std::isfinite(x); });
    if (bad != end)
      return fail(ErrorCode::corrupt, "{}: value {} of {} is {}, want finite {} data",
                  printable(name), begin + (bad - values.begin()), elements, *bad,
                  dtype_info(dtype).name);
  }
  return ok();
}

}  // namespace troika
