// y = W x in plain C++: the specification of the fast kernels. A block of 16 rows is unpacked once
// and multiplied with every token. Integer sums are exact, so only the float steps have an order.
#include "device/cpu/kernels/matmul_portable.h"

#include <cstring>

#include "core/half.h"
#include "device/cpu/kernels/matmul_layouts.h"
#include "device/cpu/kernels/matmul_unpack.h"

namespace troika::cpu::portable {
namespace {

template <int Columns>
int32_t dot(const int16_t* w, const int16_t* x) {
  int32_t sum = 0;
  for (int k = 0; k < Columns; k++) sum += int32_t{w[k]} * int32_t{x[k]};
  return sum;
}

// ---- Formats: load() unpacks up to kStep blocks of a strip, add() adds their products with one
// token, whose blocks are x_step apart, to acc[16].

/// Floats: acc += w x, a column at a time.
template <class L, float (*Load)(const std::byte*)>
struct Floats {
  using Layout = L;
  using X = float;
  static constexpr int kStep = 64;
  float w[kStep * kStripRows];
  int columns;

  void load(const std::byte*, const std::byte* block, int blocks) {
    columns = blocks;
    for (int i = 0; i < blocks * kStripRows; i++) w[i] = Load(block + i * (L::bytes / kStripRows));
  }
  void add(const float* x, int64_t x_step, float* acc) const {
    float sum[kStripRows];  // on the stack nothing can alias it, so its lanes become registers
    std::memcpy(sum, acc, sizeof sum);
    for (int k = 0; k < columns; k++)
      for (int r = 0; r < kStripRows; r++) sum[r] += w[k * kStripRows + r] * x[k * x_step];
    std::memcpy(acc, sum, sizeof sum);
  }
};

template <class L, UnpackBlock Unpack>
struct Rows {
  using Layout = L;
  using X = typename L::X;
  static constexpr int kStep = 1;
  RowBlock rows[kStripRows];

  void load(const std::byte* head, const std::byte* block, int) {
    for (int r = 0; r < kStripRows; r++) Unpack(head, block, r, rows[r]);
  }
};

/// Blocks of 32: acc += (sum of q q * dx) * d.
template <class L, UnpackBlock Unpack>
struct Block32Rows : Rows<L, Unpack> {
  void add(const Block32* x, int64_t, float* acc) const {
    int16_t q[32];
    for (int k = 0; k < 32; k++) q[k] = x->q[k];
    for (int r = 0; r < kStripRows; r++) {
      const auto sum = static_cast<float>(dot<32>(this->rows[r].values, q));
      acc[r] += sum * x->d * this->rows[r].d;
    }
  }
};

/// Undoes the order of q in Super32 and Super16: two sub-blocks of `Sub` take turns every 4
/// columns.
template <int Sub>
void straighten(const int8_t* q, int16_t* out) {
  for (int p = 0; p < 256; p += 2 * Sub)
    for (int k = 0; k < Sub; k += 4)
      for (int s = 0; s < 2; s++)
        for (int e = 0; e < 4; e++) out[p + s * Sub + k + e] = q[p + 2 * k + 4 * s + e];
}

/// The sum over sub-blocks of scale times the sum of products.
template <int Sub>
int32_t scaled_dot(const RowBlock& row, const int16_t* q) {
  int32_t sum = 0;
  for (int j = 0; j < 256 / Sub; j++)
    sum += row.scales[j] * dot<Sub>(row.values + Sub * j, q + Sub * j);
  return sum;
}

/// Scales and minima: acc += (d * scaled - dmin * minima) * dx.
template <class L, UnpackBlock Unpack>
struct AffineRows : Rows<L, Unpack> {
  void add(const Super32* x, int64_t, float* acc) const {
    int16_t q[256];
    straighten<32>(x->q, q);
    for (int r = 0; r < kStripRows; r++) {
      const RowBlock& row = this->rows[r];
      int32_t mins = 0;
      for (int j = 0; j < 8; j++) mins += row.mins[j] * x->sum[j];
      const float scaled = row.d * static_cast<float>(scaled_dot<32>(row, q));
      acc[r] += (scaled - row.dmin * static_cast<float>(mins)) * x->d;
    }
  }
};

/// Scales alone: acc += (d * scaled) * dx.
template <class L, UnpackBlock Unpack, int Sub>
struct ScaledRows : Rows<L, Unpack> {
  void add(const typename L::X* x, int64_t, float* acc) const {
    int16_t q[256];
    straighten<Sub>(x->q, q);
    for (int r = 0; r < kStripRows; r++) {
      const RowBlock& row = this->rows[r];
      acc[r] += row.d * static_cast<float>(scaled_dot<Sub>(row, q)) * x->d;
    }
  }
};

// ---- The loops

/// Leaves [begin, begin + count) of one token and row, `step` floats apart, as a balanced tree.
float tree_sum(const float* leaves, int64_t step, int64_t begin, int64_t count) {
  if (count == 1) return leaves[begin * step];
  const int64_t left = (count + 1) / 2;
  return tree_sum(leaves, step, begin, left) + tree_sum(leaves, step, begin + left, count - left);
}

template <class Format>
void strip_leaves(const MatmulArgs& args, const std::byte* strip, int64_t leaf_step) {
  using L = typename Format::Layout;
  const auto* x = reinterpret_cast<const typename Format::X*>(args.x);
  const std::byte* head = strip;
  const std::byte* block = strip + args.head_bytes;
  std::memset(args.scratch, 0, sizeof(float) * static_cast<size_t>(args.leaves * leaf_step));
  Format format;
  for (int64_t i = 0; i < args.run_count; i++) {
    const BlockRun& run = args.runs[i];
    for (int64_t b = 0; b < run.blocks; b += Format::kStep) {
      const int64_t left = run.blocks - b;
      const int blocks = static_cast<int>(left < Format::kStep ? left : Format::kStep);
      format.load(head, block, blocks);
      for (int64_t t = 0; t < args.tokens; t++)
        format.add(x + (run.x_block + b) * args.tokens + t, args.tokens,
                   args.scratch + run.leaf * leaf_step + t * kStripRows);
      head += blocks * L::head;
      block += blocks * L::bytes;
    }
  }
}

template <class Format>
void multiply(const MatmulArgs& args) {
  const int64_t leaf_step = (args.tokens + 1) * kStripRows;
  for (int64_t strip = args.strip_begin; strip < args.strip_end; strip++) {
    strip_leaves<Format>(args, args.strips + strip * args.strip_bytes, leaf_step);
    const int64_t first = strip * kStripRows;
    const int64_t rows = args.rows - first < kStripRows ? args.rows - first : kStripRows;
    for (int64_t t = 0; t < args.tokens; t++)
      for (int64_t r = 0; r < rows; r++)
        args.y[t * args.y_stride + first + r] =
            tree_sum(args.scratch + t * kStripRows + r, leaf_step, 0, args.leaves);
  }
}

float load_f32(const std::byte* p) {
  float value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

uint16_t load_bits(const std::byte* p) {
  uint16_t bits;
  std::memcpy(&bits, p, sizeof bits);
  return bits;
}

float load_f16(const std::byte* p) {
  return f16_to_f32(load_bits(p));
}

float load_bf16(const std::byte* p) {
  return bf16_to_f32(load_bits(p));
}

}  // namespace

void matmul_f32(const MatmulArgs& args) noexcept {
  multiply<Floats<F32Layout, load_f32>>(args);
}
void matmul_f16(const MatmulArgs& args) noexcept {
  multiply<Floats<Float16Layout, load_f16>>(args);
}
void matmul_bf16(const MatmulArgs& args) noexcept {
  multiply<Floats<Float16Layout, load_bf16>>(args);
}
void matmul_u4_32(const MatmulArgs& args) noexcept {
  multiply<Block32Rows<U4Layout, unpack_u4_32>>(args);
}
void matmul_i8_32(const MatmulArgs& args) noexcept {
  multiply<Block32Rows<I8Layout, unpack_i8_32>>(args);
}
void matmul_u4_affine(const MatmulArgs& args) noexcept {
  multiply<AffineRows<U4AffineLayout, unpack_u4_affine>>(args);
}
void matmul_u5_affine(const MatmulArgs& args) noexcept {
  multiply<AffineRows<U5AffineLayout, unpack_u5_affine>>(args);
}
void matmul_i6_scaled(const MatmulArgs& args) noexcept {
  multiply<ScaledRows<I6ScaledLayout, unpack_i6_scaled, 16>>(args);
}
void matmul_i3_scaled(const MatmulArgs& args) noexcept {
  multiply<ScaledRows<I3ScaledLayout, unpack_i3_scaled, 16>>(args);
}
void matmul_i4_table(const MatmulArgs& args) noexcept {
  multiply<ScaledRows<I4TableLayout, unpack_i4_table, 32>>(args);
}

}  // namespace troika::cpu::portable
