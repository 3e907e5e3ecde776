// The AArch64 kernels against the portable ones; built and run by scripts/test_arm. Ends with the
// line "N passed, N failed".
#include <asm/hwcap.h>
#include <sys/auxv.h>

#include "arm_kernels/suites.h"

int main() {
  using namespace troika;
  arm_test::Suite suite;
  std::vector<arm_test::Table> tables;
  if ((getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0)
    tables.push_back({"dotprod", cpu::dotprod_matmul_kernels()});
  else
    std::fprintf(stderr, "passed over: dotprod, which this processor lacks\n");
  if ((getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0)
    tables.push_back({"i8mm", cpu::i8mm_matmul_kernels()});
  else
    std::fprintf(stderr, "passed over: i8mm, which this processor lacks\n");
  arm_test::test_lanes(suite);
  arm_test::test_rows(suite);
  arm_test::test_quantize(suite, tables);
  arm_test::test_matmul(suite, tables);
  std::printf("%d passed, %d failed\n", suite.passed(), suite.failed());
  return suite.failed() == 0 ? 0 : 1;
}
