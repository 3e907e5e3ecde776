#include "arm_kernels/matmul_case.h"

#include "core/half.h"
#include "device/cpu/kernels/matmul_layouts.h"

namespace troika::arm_test {
namespace {

using cpu::Activations, cpu::Layout;

constexpr int64_t kLine = 64;

int64_t round_up(int64_t bytes) {
  return (bytes + kLine - 1) / kLine * kLine;
}

/// The first 64-byte aligned byte of `memory`, which is that much longer.
template <class T>
T* aligned(const std::vector<T>& memory) {
  const auto address = reinterpret_cast<uintptr_t>(memory.data());
  return reinterpret_cast<T*>((address + kLine - 1) / kLine * kLine);
}

template <class T>
std::vector<T> aligned_memory(int64_t bytes) {
  return std::vector<T>(static_cast<size_t>(bytes + kLine) / sizeof(T));
}

/// A float whose products with another such one are exact.
float short_value(Random& random) {
  return static_cast<float>(random.below(1 << 12) - (1 << 11)) * random.power(-14, -8);
}

float any_or_short(Numbers numbers, Random& random) {
  return numbers == Numbers::any ? random.value() : short_value(random);
}

void put_scales(std::byte* p, Numbers numbers, Random& random) {
  for (int r = 0; r < cpu::kStripRows; r++) {
    const float d = numbers == Numbers::any ? random.value() * 0.1f : random.power(-6, 2);
    const uint16_t half = f32_to_f16(d);
    std::memcpy(p + 2 * r, &half, sizeof half);
  }
}

void put_float(Layout layout, std::byte* p, float value) {
  const uint16_t bits = layout == Layout::f16 ? f32_to_f16(value) : f32_to_bf16(value);
  if (layout == Layout::f32)
    std::memcpy(p, &value, sizeof value);
  else
    std::memcpy(p, &bits, sizeof bits);
}

void set_scale(Activations kind, std::byte* block, float d) {
  if (kind == Activations::block_32) reinterpret_cast<cpu::Block32*>(block)->d = d;
  if (kind == Activations::super_32) reinterpret_cast<cpu::Super32*>(block)->d = d;
  if (kind == Activations::super_16) reinterpret_cast<cpu::Super16*>(block)->d = d;
}

template <class L>
LayoutCase layout_case(Layout layout, const char* name, Activations kind, int64_t kind_bytes,
                       std::vector<int64_t> halves = {}) {
  return {layout, name,      L::columns, L::head, L::bytes, halves, L::head > 0 ? 1 : 0,
          kind,   kind_bytes};
}

}  // namespace

const std::vector<LayoutCase>& layout_cases() {
  using namespace cpu;
  using enum Layout;
  constexpr auto block_32 = Activations::block_32;
  constexpr auto super_32 = Activations::super_32, super_16 = Activations::super_16;
  static const std::vector<LayoutCase> cases = {
      layout_case<F32Layout>(f32, "f32", Activations::f32, 4),
      layout_case<Float16Layout>(f16, "f16", Activations::f32, 4),
      layout_case<Float16Layout>(bf16, "bf16", Activations::f32, 4),
      layout_case<U4Layout>(u4_32, "u4_32", block_32, sizeof(Block32)),
      layout_case<I8Layout>(i8_32, "i8_32", block_32, sizeof(Block32)),
      layout_case<U4AffineLayout>(u4_affine, "u4_affine", super_32, sizeof(Super32),
                                  {U4AffineLayout::d, U4AffineLayout::dmin}),
      layout_case<U5AffineLayout>(u5_affine, "u5_affine", super_32, sizeof(Super32),
                                  {U5AffineLayout::d, U5AffineLayout::dmin}),
      layout_case<I6ScaledLayout>(i6_scaled, "i6_scaled", super_16, sizeof(Super16)),
      layout_case<I3ScaledLayout>(i3_scaled, "i3_scaled", super_16, sizeof(Super16)),
      layout_case<I4TableLayout>(i4_table, "i4_table", super_32, sizeof(Super32))};
  return cases;
}

MatmulCase::MatmulCase(const LayoutCase& layout, const Shape& shape, Numbers numbers, uint64_t seed)
    : layout_(layout), shape_(shape) {
  Random random(seed);
  head_bytes_ = round_up(shape.blocks * layout.head);
  strip_bytes_ = round_up(head_bytes_ + shape.blocks * layout.bytes);
  make_strips(numbers, random);
  make_runs();
  make_activations(numbers, random);
}

void MatmulCase::make_strips(Numbers numbers, Random& random) {
  const int64_t strips = (shape_.rows + cpu::kStripRows - 1) / cpu::kStripRows;
  strips_ = aligned_memory<std::byte>(strips * strip_bytes_);
  for (int64_t strip = 0; strip < strips; strip++) {
    std::byte* head = aligned(strips_) + strip * strip_bytes_;
    for (int64_t b = 0; b < shape_.blocks; b++, head += layout_.head) {
      std::byte* block = aligned(strips_) + strip * strip_bytes_ + head_bytes_ + b * layout_.bytes;
      if (layout_.activations == Activations::f32) {
        const int64_t width = layout_.bytes / cpu::kStripRows;
        for (int r = 0; r < cpu::kStripRows; r++)
          put_float(layout_.layout, block + r * width, any_or_short(numbers, random));
        continue;
      }
      const std::byte fills[] = {std::byte{0xff}, std::byte{0}, std::byte{0x88}, std::byte{0x7f}};
      const std::byte fill = fills[random.below(4)];
      for (int64_t i = 0; i < layout_.bytes; i++)
        block[i] = numbers == Numbers::full_scale ? fill : std::byte(random.below(256));
      for (int64_t at : layout_.halves) put_scales(block + at, numbers, random);
      if (layout_.head_halves > 0) put_scales(head, numbers, random);
    }
  }
}

void MatmulCase::make_runs() {
  const int64_t piece = shape_.scattered ? 3 : (shape_.blocks + shape_.leaves - 1) / shape_.leaves;
  for (int64_t leaf = 0; leaf < shape_.leaves; leaf++)
    for (int64_t b = leaf * piece; b < shape_.blocks; b += shape_.leaves * piece)
      runs_.push_back({.x_block = b,
                       .blocks = b + piece < shape_.blocks ? piece : shape_.blocks - b,
                       .leaf = leaf});
}

void MatmulCase::make_activations(Numbers numbers, Random& random) {
  const int64_t columns = shape_.blocks * layout_.columns, step = layout_.activation_bytes;
  x_ = aligned_memory<std::byte>(shape_.blocks * shape_.tokens * step);
  const auto quantize = portable_kernels().quantize[static_cast<int>(layout_.activations)];
  std::vector<float> values(static_cast<size_t>(columns));
  for (int64_t t = 0; t < shape_.tokens; t++) {
    const int sign_run = 1 << random.below(6);  // equal signs make the largest sums
    for (int64_t k = 0; k < columns; k++) {
      const bool is_float = layout_.activations == Activations::f32;
      float& value = values[static_cast<size_t>(k)];
      value = is_float ? any_or_short(numbers, random) : random.value();
      if (numbers == Numbers::full_scale && !is_float)
        value = t % 3 == 0 ? 1.0f : t % 3 == 1 ? -1.0f : k / sign_run % 2 == 0 ? 1.0f : -1.0f;
    }
    std::byte* const x = aligned(x_) + t * step;
    quantize(values.data(), columns, x, shape_.tokens * step);
    if (numbers == Numbers::any) continue;
    for (int64_t b = 0; b < shape_.blocks; b++)
      set_scale(layout_.activations, x + b * shape_.tokens * step, random.power(-6, 2));
  }
}

std::vector<float> MatmulCase::run(const cpu::MatmulKernels& kernels, const std::byte* x,
                                   int64_t tokens) const {
  const int64_t stride = shape_.rows + 3;
  std::vector<float> y(static_cast<size_t>(tokens * stride), -1.0f);
  // What is in the scratch must not matter.
  auto scratch = aligned_memory<float>(cpu::kScratchFloats * int64_t{sizeof(float)});
  std::memset(scratch.data(), 0xff, scratch.size() * sizeof(float));
  const int64_t strips = (shape_.rows + cpu::kStripRows - 1) / cpu::kStripRows;
  const cpu::MatmulArgs args = {.strips = aligned(strips_),
                                .strip_bytes = strip_bytes_,
                                .head_bytes = head_bytes_,
                                .rows = shape_.rows,
                                .runs = runs_.data(),
                                .run_count = static_cast<int64_t>(runs_.size()),
                                .leaves = shape_.leaves,
                                .x = x,
                                .tokens = tokens,
                                .y = y.data(),
                                .y_stride = stride,
                                .strip_begin = 0,
                                .strip_end = strips,
                                .scratch = aligned(scratch)};
  kernels.matmul[static_cast<int>(layout_.layout)](args);
  return y;
}

std::vector<float> MatmulCase::run(const cpu::MatmulKernels& kernels) const {
  return run(kernels, aligned(x_), shape_.tokens);
}

std::vector<float> MatmulCase::run_alone(const cpu::MatmulKernels& kernels, int64_t t) const {
  const auto step = static_cast<size_t>(layout_.activation_bytes);
  const auto one = aligned_memory<std::byte>(shape_.blocks * layout_.activation_bytes);
  for (int64_t b = 0; b < shape_.blocks; b++)
    std::memcpy(aligned(one) + static_cast<size_t>(b) * step,
                aligned(x_) + static_cast<size_t>(b * shape_.tokens + t) * step, step);
  return run(kernels, aligned(one), 1);
}

}  // namespace troika::arm_test
