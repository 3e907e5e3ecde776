#include "device/cpu/jobs.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "core/thread_pool.h"

namespace troika::cpu {
namespace {

constexpr int64_t kStripsMin = 4;          // that a thread takes at a time
constexpr int64_t kConvChannels = 256;     // of an item
constexpr int64_t kArgmaxElements = 8192;  // of a run

int64_t ceil_divide(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

class MatmulJob final : public Job {
 public:
  MatmulJob(const PackedMatrix& matrix, Rows rows, Slot activations, Slot y)
      : matrix_(matrix), rows_(rows), activations_(activations), y_(y) {}

  int64_t items(const Step& step) const override {
    return step.rows(rows_) == 0 ? 0 : matrix_.strips();
  }
  int64_t work(const Step& step) const override {
    return step.rows(rows_) * matrix_.rows() * matrix_.columns();
  }
  // Shorter runs make the prefetch run into strips of other threads.
  int64_t run_min() const override { return kStripsMin; }
  std::span<const std::byte> weights_ahead(const Step& step, int thread) const override {
    const int64_t rows = step.rows(rows_);
    if (rows == 0 || rows > kChunkTokens) return {};
    const int64_t begin = WorkRanges::share_begin(matrix_.strips(), thread, step.threads);
    const int64_t end = WorkRanges::share_begin(matrix_.strips(), thread + 1, step.threads);
    return matrix_.strip_bytes(begin, end);
  }
  void run(const Step& step, int64_t begin, int64_t end, int thread) const override {
    matmul(step.kernels->matmul, matrix_, step.bytes(activations_), step.rows(rows_),
           step.floats(y_), matrix_.rows(), begin, end, step.scratch[static_cast<size_t>(thread)]);
  }

 private:
  const PackedMatrix& matrix_;
  Rows rows_;
  Slot activations_;
  Slot y_;
};

/// The same in parts: y is [rows, parts, rows of the matrix].
class MatmulPartsJob final : public Job {
 public:
  MatmulPartsJob(const PackedMatrix& matrix, const MatMul& op, Slot activations, Slot y)
      : matrix_(matrix), rows_(op.x.spec.rows), activations_(activations), y_(y) {
    int64_t first = 0;
    for (const int64_t leaves : op.parts) {
      parts_.push_back(matrix.part(first, leaves));
      first += leaves;
    }
  }

  int64_t items(const Step& step) const override {
    return step.rows(rows_) == 0 ? 0 : matrix_.strips();
  }
  int64_t run_min() const override { return kStripsMin; }
  int64_t work(const Step& step) const override {
    return step.rows(rows_) * matrix_.rows() * matrix_.columns();
  }
  void run(const Step& step, int64_t begin, int64_t end, int thread) const override {
    float* y = step.floats(y_);
    for (const PackedMatrix::Part& part : parts_) {
      matmul_part(step.kernels->matmul, matrix_, part, step.bytes(activations_), step.rows(rows_),
                  y, std::ssize(parts_) * matrix_.rows(), begin, end,
                  step.scratch[static_cast<size_t>(thread)]);
      y += matrix_.rows();
    }
  }

 private:
  const PackedMatrix& matrix_;
  Rows rows_;
  Slot activations_;
  Slot y_;
  std::vector<PackedMatrix::Part> parts_;
};

class MatmulBlocksJob final : public Job {
 public:
  static_assert(kBlockRows == kStripRows);
  MatmulBlocksJob(const PackedMatrix& matrix, const MatMulBlocks& op, Slot activations, Slot y)
      : matrix_(matrix),
        rows_(op.x.spec.rows),
        blocks_(op.blocks),
        first_block_(op.first_block),
        activations_(activations),
        y_(y) {}

  int64_t items(const Step& step) const override { return step.rows(rows_) == 0 ? 0 : blocks_; }
  int64_t run_min() const override { return kStripsMin; }
  int64_t work(const Step& step) const override {
    return step.rows(rows_) * blocks_ * kBlockRows * matrix_.columns();
  }
  void run(const Step& step, int64_t begin, int64_t end, int thread) const override {
    const int32_t* blocks = step[Input::row_blocks];
    while (begin < end) {
      int64_t stop = begin + 1;
      while (stop < end && blocks[stop] == blocks[stop - 1] + 1 &&
             is_here(blocks[stop]) == is_here(blocks[begin]))
        stop++;
      if (is_here(blocks[begin]))
        run_neighbours(step, begin, stop, thread);
      else
        pass_over(step, begin, stop);
      begin = stop;
    }
  }

 private:
  /// Whether the matrix has this block of the whole that it is a run of.
  bool is_here(int64_t block) const {
    return block >= first_block_ && block < first_block_ + matrix_.rows() / kBlockRows;
  }

  void pass_over(const Step& step, int64_t begin, int64_t end) const {
    for (int64_t row = 0; row < step.rows(rows_); row++)
      std::fill_n(step.floats(y_) + (row * blocks_ + begin) * kBlockRows,
                  (end - begin) * kBlockRows, -std::numeric_limits<float>::infinity());
  }

  /// Blocks [begin, end) of the list, which are neighbours in the matrix.
  void run_neighbours(const Step& step, int64_t begin, int64_t end, int thread) const {
    const int64_t first = step[Input::row_blocks][begin] - first_block_;
    const int64_t stride = blocks_ * kBlockRows;
    const int64_t rows = step.rows(rows_);
    const int64_t row_bytes = activation_bytes(activations_of(matrix_), matrix_.columns(), 1);
    for (int64_t row = 0; row < rows; row += kChunkTokens)
      matmul_chunk(step.kernels->matmul, matrix_, step.bytes(activations_) + row * row_bytes,
                   std::min<int64_t>(kChunkTokens, rows - row),
                   step.floats(y_) + row * stride + begin * kBlockRows, stride, first,
                   first + end - begin, step.scratch[static_cast<size_t>(thread)]);
  }

  const PackedMatrix& matrix_;
  Rows rows_;
  int64_t blocks_;
  int64_t first_block_;
  Slot activations_;
  Slot y_;
};

class ConvJob final : public Job {
 public:
  ConvJob(const CausalConv& op, const float* taps, const CpuBuffer& state, Slot y)
      : op_(op),
        state_(state),
        y_(y),
        channels_(op.x.spec.elements()),
        taps_(static_cast<size_t>(channels_ * op.taps.inputs)) {
    for (int64_t c = 0; c < channels_; c++)
      for (int64_t j = 0; j < op.taps.inputs; j++)
        taps_[static_cast<size_t>(j * channels_ + c)] = taps[c * op.taps.inputs + j];
  }

  int64_t items(const Step& step) const override {
    return std::ssize(step.spans) * ceil_divide(channels_, kConvChannels);
  }
  void run(const Step& step, int64_t begin, int64_t end, int) const override {
    const int64_t pieces = ceil_divide(channels_, kConvChannels);
    for (int64_t item = begin; item < end; item++)
      run_piece(step, step.spans[static_cast<size_t>(item / pieces)],
                item % pieces * kConvChannels);
  }

 private:
  void run_piece(const Step& step, const Span& span, int64_t first) const {
    const RecurrentUnit unit(state_, span);
    const int64_t offset = span.row_begin * channels_;
    step.kernels->conv.conv({.x = step.floats(op_.x.id) + offset,
                             .x_stride = channels_,
                             .y = step.floats(y_) + offset,
                             .y_stride = channels_,
                             .taps = taps_.data(),
                             .history = unit.state,
                             .log = unit.log,
                             .channels = channels_,
                             .tap_count = op_.taps.inputs,
                             .begin = first,
                             .end = std::min(channels_, first + kConvChannels),
                             .rows = span.rows,
                             .certain = span.certain,
                             .replay = span.replay,
                             .fresh = span.fresh != 0});
  }

  CausalConv op_;
  const CpuBuffer& state_;
  Slot y_;
  int64_t channels_;
  std::vector<float> taps_;  // [taps, channels]
};

class ZeroUncoveredJob final : public Job {
 public:
  explicit ZeroUncoveredJob(const Tensor& y) : y_(y) {}

  int64_t items(const Step& step) const override {
    int64_t covered = 0;
    for (const Span& span : step.spans_of(outputs())) covered += span.rows;
    return covered < step.rows(y_.spec.rows) ? 1 : 0;
  }
  void run(const Step& step, int64_t, int64_t, int) const override {
    const int64_t count = y_.spec.elements();
    const std::vector<int32_t>& row_span = step.row_spans_of(outputs());
    for (int64_t row = 0; row < step.rows(y_.spec.rows); row++)
      if (row_span[static_cast<size_t>(row)] < 0)
        std::fill_n(step.floats(y_.id) + row * count, count, 0.0F);
  }

 private:
  bool outputs() const { return y_.spec.rows == Rows::outputs; }
  Tensor y_;
};

class ArgmaxRunsJob final : public Job {
 public:
  ArgmaxRunsJob(const Tensor& x, Slot largest) : x_(x), largest_(largest) {}

  int64_t items(const Step& step) const override {
    return step.rows(x_.spec.rows) * argmax_runs(x_);
  }
  void run(const Step& step, int64_t begin, int64_t end, int) const override {
    const int64_t runs = argmax_runs(x_);
    const int64_t count = x_.spec.elements();
    for (int64_t item = begin; item < end; item++) {
      const int64_t at = item % runs * kArgmaxElements;
      step.floats(largest_)[item] = step.kernels->argmax.largest(
          step.floats(x_.id) + item / runs * count + at, std::min(kArgmaxElements, count - at));
    }
  }

 private:
  Tensor x_;
  Slot largest_;
};

/// The lowest place of the largest value of a row.
struct Largest {
  int64_t place;
  float value;
};

Largest find_largest(const Step& step, const Tensor& x, Slot largest_of_runs, int64_t row) {
  const int64_t runs = argmax_runs(x);
  const int64_t count = x.spec.elements();
  const float* largest = step.floats(largest_of_runs) + row * runs;
  const int64_t run = std::max_element(largest, largest + runs) - largest;  // the first of equals
  const int64_t at = run * kArgmaxElements;
  const int64_t place =
      at + step.kernels->argmax.find(step.floats(x.id) + row * count + at,
                                     std::min(kArgmaxElements, count - at), largest[run]);
  return {place, largest[run]};
}

class ArgmaxStep final : public RowStep {
 public:
  ArgmaxStep(const Tensor& x, Slot largest, Slot y) : x_(x), largest_(largest), y_(y) {}

  void run(const Step& step, int64_t row) const override {
    const auto id = static_cast<int32_t>(find_largest(step, x_, largest_, row).place);
    std::memcpy(step.floats(y_) + row, &id, sizeof(id));
  }

 private:
  Tensor x_;
  Slot largest_;
  Slot y_;
};

class ArgmaxPairStep final : public RowStep {
 public:
  ArgmaxPairStep(const ArgmaxPair& op, Slot largest, Slot y) : op_(op), largest_(largest), y_(y) {}

  void run(const Step& step, int64_t row) const override {
    const Largest found = find_largest(step, op_.x, largest_, row);
    step.floats(y_)[2 * row] = static_cast<float>(op_.first + found.place);
    step.floats(y_)[2 * row + 1] = found.value;
  }

 private:
  ArgmaxPair op_;
  Slot largest_;
  Slot y_;
};

}  // namespace

std::unique_ptr<Job> matmul_job(const PackedMatrix& matrix, const MatMul& op, Slot activations,
                                Slot y) {
  if (!op.parts.empty()) return std::make_unique<MatmulPartsJob>(matrix, op, activations, y);
  return std::make_unique<MatmulJob>(matrix, op.x.spec.rows, activations, y);
}

std::unique_ptr<Job> matmul_blocks_job(const PackedMatrix& matrix, const MatMulBlocks& op,
                                       Slot activations, Slot y) {
  return std::make_unique<MatmulBlocksJob>(matrix, op, activations, y);
}

std::unique_ptr<Job> conv_job(const CausalConv& op, const float* taps, const CpuBuffer& state,
                              Slot y) {
  return std::make_unique<ConvJob>(op, taps, state, y);
}

std::unique_ptr<Job> zero_uncovered_job(const Tensor& y) {
  return std::make_unique<ZeroUncoveredJob>(y);
}

std::unique_ptr<Job> argmax_runs_job(const Tensor& x, Slot largest) {
  return std::make_unique<ArgmaxRunsJob>(x, largest);
}

std::unique_ptr<RowStep> argmax_step(const Argmax& op, Slot largest, Slot y) {
  return std::make_unique<ArgmaxStep>(op.x, largest, y);
}

std::unique_ptr<RowStep> argmax_pair_step(const ArgmaxPair& op, Slot largest, Slot y) {
  return std::make_unique<ArgmaxPairStep>(op, largest, y);
}

int64_t argmax_runs(const Tensor& x) {
  return ceil_divide(x.spec.elements(), kArgmaxElements);
}

}  // namespace troika::cpu
