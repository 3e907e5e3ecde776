// Packs the formats whose layouts have plain lanes and blocks of at most 32 columns: floats, q4_0,
// q8_0. File formats: quant/q4_0.cc, quant/q8_0.cc.
#include "device/cpu/kernels/matmul_layouts.h"
#include "device/cpu/pack.h"
#include "device/cpu/pack_words.h"

namespace troika::cpu {
namespace {

template <int Bytes>
void pack_columns(const std::byte* const* rows, int64_t columns, std::byte* body) {
  for (int r = 0; r < kStripRows; r++)
    for (int64_t k = 0; k < columns; k++)
      std::memcpy(body + (k * kStripRows + r) * Bytes, rows[r] + k * Bytes, Bytes);
}

}  // namespace

void pack_f32(const std::byte* const* rows, int64_t blocks, std::byte*, std::byte* body) {
  pack_columns<4>(rows, blocks, body);
}

void pack_float16(const std::byte* const* rows, int64_t blocks, std::byte*, std::byte* body) {
  pack_columns<2>(rows, blocks, body);
}

void pack_q4_0(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body) {
  constexpr int kFileBytes = 18;  // f16 d, then column c and c + 16 in nibbles of byte c
  for (int64_t b = 0; b < blocks; b++, head += U4Layout::head, body += U4Layout::bytes)
    for (int r = 0; r < kStripRows; r++) {
      const std::byte* source = rows[r] + b * kFileBytes;
      std::memcpy(head + 2 * r, source, 2);
      // The nibbles of the file pair columns 16 apart, as the layout does.
      for (int i = 0; i < 4; i++) store_word(body + i * 64 + r * 4, load_word(source + 2 + 4 * i));
    }
}

void pack_q8_0(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body) {
  constexpr int kFileBytes = 34;  // f16 d, int8[32]
  for (int64_t b = 0; b < blocks; b++, head += I8Layout::head, body += I8Layout::bytes)
    for (int r = 0; r < kStripRows; r++) {
      const std::byte* source = rows[r] + b * kFileBytes;
      std::memcpy(head + 2 * r, source, 2);
      for (int i = 0; i < 8; i++)
        store_word(body + i * 64 + r * 4, load_word(source + 2 + 4 * i) ^ 0x80808080);
    }
}

}  // namespace troika::cpu
