#include "device/cpu/collective_jobs.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

namespace troika::cpu {
namespace {

class ShowStep final : public RowStep {
 public:
  ShowStep(const Exchange& op, int64_t row_elements, Slot shown)
      : values_(op.values), row_elements_(row_elements), shown_(shown) {}

  void run(const Step& step, int64_t row) const override {
    float* to = step.floats(shown_) + row * row_elements_;
    for (const Tensor& value : values_) {
      const int64_t count = value.spec.elements();
      std::copy_n(step.floats(value.id) + row * count, count, to);
      to += count;
    }
  }

 private:
  std::vector<Tensor> values_;
  int64_t row_elements_;
  Slot shown_;
};

class ExchangeJob final : public Job {
 public:
  ExchangeJob(Transport& transport, ExchangePlace place, Rows rows, int64_t row_elements,
              Slot shown)
      : transport_(transport),
        place_(place),
        rows_(rows),
        row_elements_(row_elements),
        shown_(shown) {}

  // Members meet without rows, too: others may still read what was shown before.
  int64_t items(const Step&) const override { return 1; }
  void run(const Step& step, int64_t, int64_t, int) const override {
    // Where the group gives up, the device that runs the step is told by the group.
    (void)transport_.exchange(
        place_.member, place_.number,
        {step.floats(shown_), static_cast<size_t>(step.rows(rows_) * row_elements_)});
  }

 private:
  Transport& transport_;
  ExchangePlace place_;
  Rows rows_;
  int64_t row_elements_;
  Slot shown_;
};

/// A row of a member's part of a value; null where there is none.
const float* shown_row(const Transport& transport, const ShownAt& at, ExchangePlace place,
                       int64_t row) {
  const float* const shown = transport.shown(place.member, place.number);
  return shown == nullptr ? nullptr : shown + row * at.row_elements + at.offset;
}

class SumPartsStep final : public RowStep {
 public:
  SumPartsStep(const SumParts& op, const Transport& transport, int64_t number, Slot y)
      : op_(op), transport_(transport), number_(number), y_(y) {
    for (const LeafRun& run : op_.runs) leaves_ += run.leaves;
  }

  void run(const Step& step, int64_t row) const override {
    const int64_t width = op_.value.elements();
    float* const y = step.floats(y_) + row * width;
    for (int64_t at = 0; at < width; at += kPiece) {
      const Piece piece{step.kernels->elementwise.add, row, at, std::min(kPiece, width - at)};
      size_t next = 0;
      add_up(piece, leaves_, next, y + at);
    }
  }

 private:
  static constexpr int64_t kPiece = 512;  // elements; the sums of a branch of the tree stay in L1

  struct Piece {
    AddKernel add;
    int64_t row, at, count;
  };

  /// Writes the sum of the next `leaves` leaves, which are one part or two branches of the tree.
  void add_up(const Piece& piece, int64_t leaves, size_t& next, float* sum) const {
    const LeafRun& run = op_.runs[next];
    if (run.leaves >= leaves) {
      next++;
      return take(piece, run, sum);
    }
    float rest[kPiece];
    const int64_t left = (leaves + 1) / 2;
    add_up(piece, left, next, sum);
    add_up(piece, leaves - left, next, rest);
    piece.add(sum, rest, sum, piece.count);
  }

  void take(const Piece& piece, const LeafRun& run, float* sum) const {
    const ShownAt& at = op_.shown[static_cast<size_t>(run.member)];
    const float* const row = shown_row(transport_, at, {run.member, number_}, piece.row);
    if (row == nullptr)
      std::fill_n(sum, piece.count, 0.0F);
    else
      std::copy_n(row + run.part * op_.value.elements() + piece.at, piece.count, sum);
  }

  SumParts op_;
  const Transport& transport_;
  int64_t number_;
  Slot y_;
  int64_t leaves_ = 0;
};

class BestPairStep final : public RowStep {
 public:
  BestPairStep(const BestPair& op, const Transport& transport, int64_t number, Slot y)
      : op_(op), transport_(transport), number_(number), y_(y) {}

  void run(const Step& step, int64_t row) const override {
    const float* best = nullptr;
    for (size_t m = 0; m < op_.shown.size(); m++) {
      const ShownAt& at = op_.shown[m];
      if (at.elements == 0) continue;
      const float* const pair = shown_row(transport_, at, {static_cast<int64_t>(m), number_}, row);
      if (pair == nullptr) continue;
      if (best == nullptr || pair[1] > best[1] || (pair[1] == best[1] && pair[0] < best[0]))
        best = pair;
    }
    const int32_t id = best == nullptr ? 0 : static_cast<int32_t>(best[0]);
    std::memcpy(step.floats(y_) + row, &id, sizeof(id));
  }

 private:
  BestPair op_;
  const Transport& transport_;
  int64_t number_;
  Slot y_;
};

}  // namespace

std::unique_ptr<RowStep> show_step(const Exchange& op, int64_t row_elements, Slot shown) {
  return std::make_unique<ShowStep>(op, row_elements, shown);
}

std::unique_ptr<Job> exchange_job(Transport& transport, ExchangePlace place, Rows rows,
                                  int64_t row_elements, Slot shown) {
  return std::make_unique<ExchangeJob>(transport, place, rows, row_elements, shown);
}

std::unique_ptr<RowStep> sum_parts_step(const SumParts& op, const Transport& transport,
                                        int64_t number, Slot y) {
  return std::make_unique<SumPartsStep>(op, transport, number, y);
}

std::unique_ptr<RowStep> best_pair_step(const BestPair& op, const Transport& transport,
                                        int64_t number, Slot y) {
  return std::make_unique<BestPairStep>(op, transport, number, y);
}

}  // namespace troika::cpu
