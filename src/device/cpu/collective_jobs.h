// What members of a group do together: showing values to each other, and making the whole of what
// was shown.
#pragma once

#include <memory>

#include "device/cpu/job.h"
#include "device/transport.h"
#include "graph/op.h"

namespace troika::cpu {

/// Which member shows something, and the number of the exchange.
struct ExchangePlace {
  int64_t member = 0;
  int64_t number = 0;
};

/// The values of a row side by side: a slot of [rows, row_elements].
std::unique_ptr<RowStep> show_step(const Exchange& op, int64_t row_elements, Slot shown);

/// Shows the slot and waits for the other members; one item.
std::unique_ptr<Job> exchange_job(Transport& transport, ExchangePlace place, Rows rows,
                                  int64_t row_elements, Slot shown);

std::unique_ptr<RowStep> sum_parts_step(const SumParts& op, const Transport& transport,
                                        int64_t number, Slot y);
std::unique_ptr<RowStep> best_pair_step(const BestPair& op, const Transport& transport,
                                        int64_t number, Slot y);

}  // namespace troika::cpu
