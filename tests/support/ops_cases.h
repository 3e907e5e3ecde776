// The list of cases that every device is held to: each op, each type, awkward shapes. Benchmarks
// read it too.
#pragma once

#include <vector>

#include "support/ops_attention_cases.h"
#include "support/ops_matmul_cases.h"
#include "support/ops_moe_cases.h"
#include "support/ops_recurrent_cases.h"
#include "support/ops_row_cases.h"

namespace troika::testing {

struct OpFamily {
  const char* name;
  std::vector<OpCase> (*cases)();
};

/// All cases, by family.
inline std::vector<OpFamily> op_families() {
  return {{"matmul", matmul_cases},       {"matmul_blocks", matmul_blocks_cases},
          {"embed", embed_cases},         {"attention", attention_cases},
          {"recurrent", recurrent_cases}, {"norm", norm_cases},
          {"rope", rope_cases},           {"elementwise", elementwise_cases},
          {"gates", gate_of_row_cases},   {"choice", choice_cases},
          {"experts", expert_cases},      {"router", router_cases}};
}

}  // namespace troika::testing
