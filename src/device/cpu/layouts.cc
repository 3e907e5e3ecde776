#include "device/cpu/layouts.h"

#include "device/cpu/kernels/matmul_layouts.h"

namespace troika::cpu {
namespace {

template <class L>
constexpr LayoutInfo row(int64_t sub_block, Activations activations, UnpackBlock unpack) {
  const bool has_mins = requires {
    L::dmin;
  };
  return {L::columns, L::head, L::bytes, sub_block, has_mins, activations, unpack};
}

// In the order of Layout.
constexpr LayoutInfo kLayoutTable[] = {
    row<F32Layout>(0, Activations::f32, nullptr),
    row<Float16Layout>(0, Activations::f32, nullptr),
    row<Float16Layout>(0, Activations::f32, nullptr),
    row<U4Layout>(32, Activations::block_32, unpack_u4_32),
    row<I8Layout>(32, Activations::block_32, unpack_i8_32),
    row<U4AffineLayout>(32, Activations::super_32, unpack_u4_affine),
    row<U5AffineLayout>(32, Activations::super_32, unpack_u5_affine),
    row<I6ScaledLayout>(16, Activations::super_16, unpack_i6_scaled),
    row<I3ScaledLayout>(16, Activations::super_16, unpack_i3_scaled),
    row<I4TableLayout>(32, Activations::super_32, unpack_i4_table),
};
static_assert(std::size(kLayoutTable) == kLayouts);

struct ImportRow {
  DType dtype;
  Import import;
};

constexpr ImportRow kImports[] = {
    {DType::f32, {Layout::f32, pack_f32}},         {DType::f16, {Layout::f16, pack_float16}},
    {DType::bf16, {Layout::bf16, pack_float16}},   {DType::q4_0, {Layout::u4_32, pack_q4_0}},
    {DType::q8_0, {Layout::i8_32, pack_q8_0}},     {DType::q4_k, {Layout::u4_affine, pack_q4_k}},
    {DType::q5_k, {Layout::u5_affine, pack_q5_k}}, {DType::q6_k, {Layout::i6_scaled, pack_q6_k}},
    {DType::q3_k, {Layout::i3_scaled, pack_q3_k}}, {DType::iq4_xs, {Layout::i4_table, pack_iq4_xs}},
};

struct ActivationRow {
  int64_t bytes;
  int64_t columns;
};

// In the order of Activations.
constexpr ActivationRow kActivationTable[] = {
    {sizeof(float), 1}, {sizeof(Block32), 32}, {sizeof(Super32), 256}, {sizeof(Super16), 256}};
static_assert(std::size(kActivationTable) == kActivations);

}  // namespace

const LayoutInfo& layout_info(Layout layout) {
  return kLayoutTable[static_cast<size_t>(layout)];
}

std::optional<Import> import_of(DType dtype) {
  for (const ImportRow& entry : kImports)
    if (entry.dtype == dtype) return entry.import;
  return std::nullopt;
}

int64_t activation_block_bytes(Activations kind) {
  return kActivationTable[static_cast<size_t>(kind)].bytes;
}

int64_t activation_block_columns(Activations kind) {
  return kActivationTable[static_cast<size_t>(kind)].columns;
}

}  // namespace troika::cpu
