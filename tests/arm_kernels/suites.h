// The parts of the test of the AArch64 kernels, and the tables they hold against the portable one.
#pragma once

#include <string>
#include <vector>

#include "arm_kernels/check.h"
#include "device/cpu/kernels/matmul.h"

namespace troika::arm_test {

/// Kernels of an instruction set that this processor has.
struct Table {
  std::string name;
  cpu::MatmulKernels kernels;
};

/// The portable kernels, without their name's table: it knows the kernels of other processors.
cpu::MatmulKernels portable_kernels();

void test_matmul(Suite& suite, const std::vector<Table>& tables);
void test_quantize(Suite& suite, const std::vector<Table>& tables);
void test_lanes(Suite& suite);
void test_rows(Suite& suite);

}  // namespace troika::arm_test
