#include "device/cpu/jobs.h"

#include <algorithm>
#include <cstring>

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

class MatmulBlocksJob final : public Job {
 public:
  static_assert(kBlockRows == kStripRows);
  MatmulBlocksJob(const PackedMatrix& matrix, const MatMulBlocks& op, Slot activations, Slot y)
      : matrix_(matrix),
        rows_(op.x.spec.rows),
        blocks_(op.blocks),
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
      while (stop < end && blocks[stop] == blocks[stop - 1] + 1) stop++;
      run_neighbours(step, begin, stop, thread);
      begin = stop;
    }
  }

 private:
  /// Blocks [begin, end) of the list, which are neighbours in the matrix.
  void run_neighbours(const Step& step, int64_t begin, int64_t end, int thread) const {
    const int64_t first = step[Input::row_blocks][begin];
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
  ArgmaxRunsJob(const Argmax& op, Slot largest) : op_(op), largest_(largest) {}

  int64_t items(const Step& step) const override {
    return step.rows(op_.x.spec.rows) * argmax_runs(op_);
  }
  void run(const Step& step, int64_t begin, int64_t end, int) const override {
    const int64_t runs = argmax_runs(op_);
    const int64_t count = op_.x.spec.elements();
    for (int64_t item = begin; item < end; item++) {
      const int64_t at = item % runs * kArgmaxElements;
      step.floats(largest_)[item] = step.kernels->argmax.largest(
          step.floats(op_.x.id) + item / runs * count + at, std::min(kArgmaxElements, count - at));
    }
  }

 private:
  Argmax op_;
  Slot largest_;
};

class ArgmaxStep final : public RowStep {
 public:
  ArgmaxStep(const Argmax& op, Slot largest, Slot y) : op_(op), largest_(largest), y_(y) {}

  void run(const Step& step, int64_t row) const override {
    const int64_t runs = argmax_runs(op_);
    const int64_t count = op_.x.spec.elements();
    const float* largest = step.floats(largest_) + row * runs;
    const int64_t run = std::max_element(largest, largest + runs) - largest;  // the first of equals
    const int64_t at = run * kArgmaxElements;
    const int64_t place =
        at + step.kernels->argmax.find(step.floats(op_.x.id) + row * count + at,
                                       std::min(kArgmaxElements, count - at), largest[run]);
    const auto id = static_cast<int32_t>(place);
    std::memcpy(step.floats(y_) + row, &id, sizeof(id));
  }

 private:
  Argmax op_;
  Slot largest_;
  Slot y_;
};

}  // namespace

std::unique_ptr<Job> matmul_job(const PackedMatrix& matrix, Rows rows, Slot activations, Slot y) {
  return std::make_unique<MatmulJob>(matrix, rows, activations, y);
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

std::unique_ptr<Job> argmax_runs_job(const Argmax& op, Slot largest) {
  return std::make_unique<ArgmaxRunsJob>(op, largest);
}

std::unique_ptr<RowStep> argmax_step(const Argmax& op, Slot largest, Slot y) {
  return std::make_unique<ArgmaxStep>(op, largest, y);
}

int64_t argmax_runs(const Argmax& op) {
  return ceil_divide(op.x.spec.elements(), kArgmaxElements);
}

}  // namespace troika::cpu
