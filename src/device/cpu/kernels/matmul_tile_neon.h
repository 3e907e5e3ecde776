// What the AArch64 matmul kernels share beside the loop of kernels/matmul_loop.h. For files
// *_neon.cc, *_dotprod.cc and *_i8mm.cc only; everything here has internal linkage.
//
// A line of 64 bytes is four registers; register r belongs to rows 4 r .. 4 r + 3 in plain lanes
// and in paired ones, so each four rows are computed apart. A tile is 16 rows times at most 4
// tokens, kRegisters<T> of the four at a time: as many as 32 registers hold with their sums.
#pragma once

#include <cstddef>
#include <cstdint>

#include "device/cpu/kernels/lanes_neon.h"
#include "device/cpu/kernels/matmul_layouts.h"
#include "device/cpu/kernels/matmul_loop.h"
#include "device/cpu/kernels/matmul_neon.h"

namespace troika::cpu::neon {
namespace {

using F = float32x4_t;
using Z = int32x4_t;
using B = int8x16_t;
using U = uint8x16_t;

constexpr int kTokens = 4;  // of a tile

/// Registers of a line that are computed together: with one token all, or there are too few sums to
/// hide the latency of a product.
template <int T>
constexpr int kRegisters = T == 1 ? 4 : 2;

TROIKA_INLINE U load(const std::byte* p) {
  return vld1q_u8(reinterpret_cast<const uint8_t*>(p));
}

/// Weights below 128 are the same signed and unsigned.
TROIKA_INLINE B as_signed(U x) {
  return vreinterpretq_s8_u8(x);
}

/// Bit `From` of each byte as bit `To`, the others zero.
template <int From, int To>
TROIKA_INLINE U move_bit(U x) {
  if constexpr (From < To) x = vshlq_n_u8(x, To - From);
  if constexpr (From > To) x = vshrq_n_u8(x, From - To);
  return vandq_u8(x, vdupq_n_u8(1 << To));
}

/// Eight bytes in both halves.
TROIKA_INLINE B broadcast8(const int8_t* p) {
  return vreinterpretq_s8_s64(vld1q_dup_s64(reinterpret_cast<const int64_t*>(p)));
}

/// 4 halves.
TROIKA_INLINE F load_half(const std::byte* p) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(reinterpret_cast<const uint16_t*>(p))));
}

/// 8 signed bytes to 16 bits.
TROIKA_INLINE int16x8_t widen(const std::byte* p) {
  return vmovl_s8(vld1_s8(reinterpret_cast<const int8_t*>(p)));
}

/// The sums of token t, rows 4 r ...
template <class X>
TROIKA_INLINE F load_acc(const Tile<X>& c, int t, int r) {
  const Z bits = vld1q_s32(reinterpret_cast<const int32_t*>(c.acc + 16 * t + 4 * r));
  return vreinterpretq_f32_s32(vandq_s32(bits, vdupq_n_s32(c.keep)));
}
template <class X>
TROIKA_INLINE void store_acc(const Tile<X>& c, int t, int r, F acc) {
  vst1q_f32(c.acc + 16 * t + 4 * r, acc);
}

/// acc += d float(sum) dx, as fma(d * float(sum), dx, acc).
template <class X>
TROIKA_INLINE void add_scaled(const Tile<X>& c, int t, int r, F d, Z sum) {
  const F y = vmulq_f32(d, vcvtq_f32_s32(sum));
  store_acc(c, t, r, vfmaq_n_f32(load_acc(c, t, r), y, c.x[t].d));
}

template <class Format>
TROIKA_INLINE void multiply(const MatmulArgs& args) {
  cpu::multiply<Lanes, Format>(args);
}

/// 192 bytes of six-bit lines to 256 values, each minus `Offset`.
template <int Offset>
TROIKA_INLINE void unpack_six_bits(const std::byte* lines, std::byte* out) {
  const U low = vdupq_n_u8(63), offset = vdupq_n_u8(Offset);
  auto* v = reinterpret_cast<uint8_t*>(out);
  TROIKA_UNROLL for (int at = 0; at < 64; at += 16) {
    const U a = load(lines + at), b = load(lines + 64 + at), c = load(lines + 128 + at);
    U top = vshrq_n_u8(c, 6);
    top = vsliq_n_u8(vshrq_n_u8(b, 6), top, 2);
    top = vsliq_n_u8(vshrq_n_u8(a, 6), top, 2);
    vst1q_u8(v + at, vsubq_u8(vandq_u8(a, low), offset));
    vst1q_u8(v + 64 + at, vsubq_u8(vandq_u8(b, low), offset));
    vst1q_u8(v + 128 + at, vsubq_u8(vandq_u8(c, low), offset));
    vst1q_u8(v + 192 + at, vsubq_u8(top, offset));
  }
}

/// Paired lanes: eight 16-bit scales [row][sub-block] of four rows, for the lanes of a and b.
struct PairedScales {
  Z a, b;
  TROIKA_INLINE explicit PairedScales(int16x8_t scales)
      : a(vmovl_s16(vget_low_s16(scales))), b(vmovl_high_s16(scales)) {}
};

}  // namespace
}  // namespace troika::cpu::neon
