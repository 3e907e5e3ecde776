// The quantisers give the bytes of the portable ones, on inputs that are hard to quantise alike.
#include <limits>

#include "arm_kernels/suites.h"

namespace troika::arm_test {
namespace {

struct Kind {
  const char* name;
  cpu::Activations kind;
  int64_t columns;
  int64_t bytes;
};

constexpr Kind kKinds[] = {
    {"f32", cpu::Activations::f32, 1, sizeof(float)},
    {"block_32", cpu::Activations::block_32, 32, sizeof(cpu::Block32)},
    {"super_32", cpu::Activations::super_32, 256, sizeof(cpu::Super32)},
    {"super_16", cpu::Activations::super_16, 256, sizeof(cpu::Super16)},
};

std::vector<std::vector<float>> hard_inputs() {
  std::vector<std::vector<float>> list;
  for (int64_t columns : {1, 32, 100, 256, 800, 2304}) list.push_back(random_floats(columns, 1));
  std::vector<float> ties(512);
  for (size_t i = 0; i < ties.size(); i++) ties[i] = static_cast<float>(i % 255) - 126.5f;
  ties[0] = ties[300] = 127.0f;
  list.push_back(ties);
  for (float same : {0.0f, -1.0f, 1e-38f, std::numeric_limits<float>::max()})
    list.push_back(std::vector<float>(256, same));
  for (float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    list.push_back(random_floats(512, 2));
    list.back()[37] = bad;
  }
  return list;
}

std::vector<std::byte> quantized(const cpu::MatmulKernels& kernels, const Kind& kind,
                                 const std::vector<float>& x) {
  const auto columns = static_cast<int64_t>(x.size());
  const int64_t blocks = (columns + kind.columns - 1) / kind.columns;
  std::vector<std::byte> out(static_cast<size_t>(blocks * kind.bytes));
  kernels.quantize[static_cast<int>(kind.kind)](x.data(), columns, out.data(), kind.bytes);
  return out;
}

}  // namespace

void test_quantize(Suite& suite, const std::vector<Table>& tables) {
  for (const Table& table : tables)
    for (const Kind& kind : kKinds)
      suite.run(table.name + " quantize " + kind.name, [&](Case& test) {
        for (const auto& x : hard_inputs())
          test.expect_same(quantized(table.kernels, kind, x),
                           quantized(portable_kernels(), kind, x),
                           std::to_string(x.size()) + " columns");
      });
}

}  // namespace troika::arm_test
