#include "device/cpu/collective_jobs.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "device/collectives.h"

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

class SumPartsStep final : public RowStep {
 public:
  SumPartsStep(const SumParts& op, const Transport& transport, int64_t number, Slot y)
      : op_(op), shown_{transport, number}, y_(y) {}

  void run(const Step& step, int64_t row) const override {
    sum_parts(op_, shown_, row, step.kernels->elementwise.add,
              step.floats(y_) + row * op_.value.elements());
  }

 private:
  SumParts op_;
  ShownAtExchange shown_;
  Slot y_;
};

class BestPairStep final : public RowStep {
 public:
  BestPairStep(const BestPair& op, const Transport& transport, int64_t number, Slot y)
      : op_(op), shown_{transport, number}, y_(y) {}

  void run(const Step& step, int64_t row) const override {
    const int32_t id = best_pair(op_, shown_, row);
    std::memcpy(step.floats(y_) + row, &id, sizeof(id));
  }

 private:
  BestPair op_;
  ShownAtExchange shown_;
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
