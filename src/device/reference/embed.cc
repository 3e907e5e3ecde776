// y[t] = table[token_ids[t]]
#include <algorithm>

#include "device/reference/ops.h"

namespace troika::reference {

Status compute(Step& step, const Embed& op, const Tensor& y) {
  const FloatMatrix& table = step.weight(op.table);
  TROIKA_TRY(const auto ids, step.ints(Input::token_ids, step.rows(Rows::tokens)));
  for (int64_t t = 0; t < std::ssize(ids); t++) {
    const int32_t id = ids[static_cast<size_t>(t)];
    if (id < 0 || id >= table.rows)
      return fail(ErrorCode::invalid_argument, "token id {} of a vocabulary of {}", id, table.rows);
    std::copy_n(table.row(id), table.inputs, step.row(y, t));
  }
  return ok();
}

}  // namespace troika::reference
