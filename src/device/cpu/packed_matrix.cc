#include "device/cpu/packed_matrix.h"

#include <algorithm>
#include <cstring>

#include "core/check.h"
#include "core/half.h"
#include "device/cpu/layouts.h"

namespace troika::cpu {
namespace {

constexpr int64_t kSideMax = int64_t{1} << 32;  // rows, columns: keeps byte counts within int64_t
constexpr int64_t kLine = 64;

int64_t round_up(int64_t bytes) {
  return (bytes + kLine - 1) / kLine * kLine;
}

Status check_shape(const WeightInfo& info) {
  const DTypeInfo& type = dtype_info(info.dtype);
  const int64_t rows = info.weight.rows(), columns = info.weight.inputs;
  if (rows < 1 || rows > kSideMax || columns < 1 || columns > kSideMax)
    return fail(ErrorCode::invalid_argument, "{}: {} rows of {}, want 1 to {} of each", info.name,
                rows, columns, kSideMax);
  if (columns % type.block != 0)
    return fail(ErrorCode::invalid_argument, "{}: rows of {}, want a multiple of {} for {}",
                info.name, columns, type.block, type.name);
  const int64_t row_bytes = dtype_bytes(info.dtype, columns);
  const auto have = static_cast<int64_t>(info.data.size());
  if (have % row_bytes != 0 || have / row_bytes != rows)
    return fail(ErrorCode::invalid_argument, "{}: {} bytes, want {} rows of {}", info.name, have,
                rows, row_bytes);
  return ok();
}

/// Bytes of a strip: what is in front for all blocks, and the blocks.
struct StripBytes {
  int64_t head = 0;
  int64_t blocks = 0;
};

StripBytes strip_bytes_of(const LayoutInfo& layout, int64_t columns) {
  const int64_t blocks = columns / layout.columns;
  return {round_up(blocks * layout.head_bytes), round_up(blocks * layout.block_bytes)};
}

/// The split as runs of blocks. Ranges must be whole blocks and cover every column once.
Result<std::vector<BlockRun>> block_runs(const WeightInfo& info, int64_t block) {
  const int64_t columns = info.weight.inputs;
  const Split whole = split_whole(columns);
  const Split& split = info.split.leaves.empty() ? whole : info.split;
  if (std::ssize(split.leaves) > kMatmulLeavesMax)
    return fail(ErrorCode::invalid_argument, "{}: {} leaves, want at most {}", info.name,
                split.leaves.size(), kMatmulLeavesMax);
  std::vector<BlockRun> runs;
  for (int64_t leaf = 0; leaf < std::ssize(split.leaves); leaf++) {
    if (split.leaves[leaf].empty())
      return fail(ErrorCode::invalid_argument, "{}: leaf {} is empty", info.name, leaf);
    for (const ColumnRange& range : split.leaves[leaf]) {
      if (range.begin < 0 || range.begin >= range.end || range.end > columns ||
          range.begin % block != 0 || range.end % block != 0)
        return fail(ErrorCode::invalid_argument,
                    "{}: columns {} to {} of {}, want whole blocks of {}", info.name, range.begin,
                    range.end, columns, block);
      runs.push_back({range.begin / block, (range.end - range.begin) / block, leaf});
    }
  }
  std::vector<BlockRun> sorted = runs;
  std::ranges::sort(sorted, {}, &BlockRun::x_block);
  int64_t next = 0;
  for (const BlockRun& run : sorted) {
    if (run.x_block != next) break;
    next += run.blocks;
  }
  if (next != columns / block)
    return fail(ErrorCode::invalid_argument, "{}: the split does not cover each column once",
                info.name);
  return runs;
}

/// Row `row` of a column of floats.
float float_value(Layout layout, const std::byte* column, int64_t row) {
  if (layout == Layout::f32) {
    float value;
    std::memcpy(&value, column + row * 4, sizeof value);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, column + row * 2, sizeof bits);
  return layout == Layout::f16 ? f16_to_f32(bits) : bf16_to_f32(bits);
}

/// The values of one row of one block, in the arithmetic of quant/: (d scale) q - (dmin min).
void decode_block(const LayoutInfo& info, const RowBlock& block, float* out) {
  for (int64_t j = 0; j < info.columns / info.sub_block; j++) {
    const bool super = info.activations != Activations::block_32;
    const float scale = super ? block.d * static_cast<float>(block.scales[j]) : block.d;
    for (int64_t k = j * info.sub_block; k < (j + 1) * info.sub_block; k++)
      out[k] = scale * static_cast<float>(block.values[k]);
    if (info.has_mins) {
      const float min = block.dmin * static_cast<float>(block.mins[j]);
      for (int64_t k = j * info.sub_block; k < (j + 1) * info.sub_block; k++) out[k] -= min;
    }
  }
}

}  // namespace

bool can_pack(DType dtype) {
  return import_of(dtype).has_value();
}

int64_t packed_bytes(DType dtype, int64_t rows, int64_t columns) {
  const StripBytes strip = strip_bytes_of(layout_info(import_of(dtype)->layout), columns);
  return (rows + kStripRows - 1) / kStripRows * (strip.head + strip.blocks);
}

void PackedMatrix::describe(MatmulArgs& args) const {
  args.strips = storage_.data();
  args.strip_bytes = strip_bytes_;
  args.head_bytes = head_bytes_;
  args.rows = rows_;
  args.runs = runs_.data();
  args.run_count = std::ssize(runs_);
  args.leaves = leaves();
}

PackedMatrix::Part PackedMatrix::part(int64_t first_leaf, int64_t leaves) const {
  Part part{.leaves = leaves};
  for (BlockRun run : runs_) {
    if (run.leaf < first_leaf) part.blocks_before += run.blocks;
    if (run.leaf < first_leaf || run.leaf >= first_leaf + leaves) continue;
    run.leaf -= first_leaf;
    part.runs.push_back(run);
  }
  return part;
}

void PackedMatrix::describe(const Part& part, MatmulArgs& args) const {
  describe(args);
  const LayoutInfo& info = layout_info(layout_);
  args.strips += part.blocks_before * info.head_bytes;
  args.head_bytes += part.blocks_before * (info.block_bytes - info.head_bytes);
  args.runs = part.runs.data();
  args.run_count = std::ssize(part.runs);
  args.leaves = part.leaves;
}

void PackedMatrix::describe_leaf(int64_t leaf, MatmulArgs& args) const {
  describe(args);
  size_t first = 0;
  int64_t before = 0;  // blocks of the leaves before
  for (; runs_[first].leaf < leaf; first++) before += runs_[first].blocks;
  size_t end = first;
  while (end < runs_.size() && runs_[end].leaf == leaf) end++;
  const LayoutInfo& info = layout_info(layout_);
  args.strips += before * info.head_bytes;
  args.head_bytes += before * (info.block_bytes - info.head_bytes);
  args.runs = leaf_runs_.data() + first;
  args.run_count = static_cast<int64_t>(end - first);
  args.leaves = 1;
}

Result<std::unique_ptr<PackedMatrix>> allocate_matrix(const WeightInfo& info,
                                                      AlignedArena& memory) {
  const auto import = import_of(info.dtype);
  if (!import)
    return fail(ErrorCode::unsupported, "{}: no layout of the CPU device for type {}", info.name,
                dtype_info(info.dtype).name);
  TROIKA_RETURN_IF_ERROR(check_shape(info));
  const LayoutInfo& layout = layout_info(import->layout);
  std::unique_ptr<PackedMatrix> matrix(new PackedMatrix);
  TROIKA_TRY(matrix->runs_, block_runs(info, layout.columns));
  matrix->leaf_runs_ = matrix->runs_;
  for (BlockRun& run : matrix->leaf_runs_) run.leaf = 0;
  matrix->layout_ = import->layout;
  matrix->rows_ = info.weight.rows();
  matrix->columns_ = info.weight.inputs;
  const StripBytes strip = strip_bytes_of(layout, matrix->columns_);
  matrix->head_bytes_ = strip.head;
  matrix->strip_bytes_ = strip.head + strip.blocks;
  TROIKA_TRY(matrix->storage_, memory.allocate(matrix->strips() * matrix->strip_bytes_));
  return matrix;
}

void pack_strips(PackedMatrix& matrix, const WeightInfo& info, int64_t begin, int64_t end) {
  const auto import = import_of(info.dtype);
  TROIKA_CHECK(import && import->layout == matrix.layout_ && end <= matrix.strips());
  const LayoutInfo& layout = layout_info(matrix.layout_);
  const int64_t row_bytes = dtype_bytes(info.dtype, matrix.columns_);
  // Rows past the last are zero weights: all formats decode zero bytes to zero.
  const bool ragged = end * kStripRows > matrix.rows_;
  const std::vector<std::byte> zeros(static_cast<size_t>(ragged ? row_bytes : 0));
  for (int64_t strip = begin; strip < end; strip++) {
    std::byte* head = matrix.storage_.data() + strip * matrix.strip_bytes_;
    std::byte* body = head + matrix.head_bytes_;
    for (const BlockRun& run : matrix.runs_) {
      const int64_t offset = dtype_bytes(info.dtype, run.x_block * layout.columns);
      const std::byte* rows[kStripRows];
      for (int64_t r = 0; r < kStripRows; r++) {
        const int64_t row = strip * kStripRows + r;
        rows[r] = (row < matrix.rows_ ? info.data.data() + row * row_bytes : zeros.data()) + offset;
      }
      import->pack(rows, run.blocks, head, body);
      head += run.blocks * layout.head_bytes;
      body += run.blocks * layout.block_bytes;
    }
  }
}

Result<std::unique_ptr<PackedMatrix>> pack_matrix(const WeightInfo& info) {
  AlignedArena memory;
  TROIKA_TRY(std::unique_ptr<PackedMatrix> matrix, allocate_matrix(info, memory));
  pack_strips(*matrix, info, 0, matrix->strips());
  return matrix;
}

void unpack_row(const PackedMatrix& matrix, int64_t row, float* out) {
  const LayoutInfo& layout = layout_info(matrix.layout());
  MatmulArgs args;
  matrix.describe(args);
  const std::byte* head = args.strips + row / kStripRows * args.strip_bytes;
  const std::byte* body = head + args.head_bytes;
  const int64_t lane = row % kStripRows;
  RowBlock block;
  for (int64_t i = 0; i < args.run_count; i++)
    for (int64_t b = 0; b < args.runs[i].blocks; b++) {
      float* target = out + (args.runs[i].x_block + b) * layout.columns;
      if (layout.unpack == nullptr) {
        *target = float_value(matrix.layout(), body, lane);
      } else {
        layout.unpack(head, body, static_cast<int>(lane), block);
        decode_block(layout, block, target);
      }
      head += layout.head_bytes;
      body += layout.block_bytes;
    }
}

}  // namespace troika::cpu
