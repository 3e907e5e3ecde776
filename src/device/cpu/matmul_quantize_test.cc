// The quantisers of every instruction set against the rules of kernels/matmul.h.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "device/cpu/layouts.h"
#include "support/matmul_case.h"

namespace troika::cpu {
namespace {

constexpr Activations kKinds[] = {Activations::f32, Activations::block_32, Activations::super_32,
                                  Activations::super_16};

std::vector<std::byte> quantized(const MatmulKernels& kernels, Activations kind,
                                 const std::vector<float>& x) {
  const auto columns = std::ssize(x);
  std::vector<std::byte> out(static_cast<size_t>(activation_bytes(kind, columns, 1)));
  quantize_activations(kernels, kind, x.data(), columns, columns, 1, 0, 1, out.data());
  return out;
}

/// Inputs that are hard to quantise alike: ties, extremes, zeros, things that are no numbers.
std::vector<std::vector<float>> hard_inputs() {
  std::vector<std::vector<float>> list;
  for (int64_t columns : {32, 256, 800, 2304}) list.push_back(testing::random_floats(columns, 1));
  std::vector<float> ties(512);
  for (size_t i = 0; i < ties.size(); i++) ties[i] = static_cast<float>(i % 255) - 127.0f + 0.5f;
  ties[0] = ties[300] = 127.0f;
  list.push_back(ties);
  list.push_back(std::vector<float>(256, 0.0f));
  list.push_back(std::vector<float>(256, -1.0f));
  list.push_back(std::vector<float>(256, 1e-38f));
  list.push_back(std::vector<float>(256, std::numeric_limits<float>::max()));
  for (float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    list.push_back(testing::random_floats(512, 2));
    list.back()[37] = bad;
  }
  return list;
}

TEST(QuantizeActivations, EveryInstructionSetGivesTheSameBytes) {
  const MatmulKernels portable = portable_matmul_kernels();
  for (Isa isa : runnable_isas())
    for (Activations kind : kKinds)
      for (const auto& x : hard_inputs())
        EXPECT_EQ(quantized(matmul_kernels(isa), kind, x), quantized(portable, kind, x))
            << isa_name(isa) << " kind " << static_cast<int>(kind) << " columns " << x.size();
}

TEST(QuantizeActivations, RoundsToNearestEvenOnTheGridOfTheLargest) {
  std::vector<float> x(32, 0.0f);
  x[0] = -127.0f;
  x[1] = 2.5f;
  x[2] = 3.5f;
  x[3] = -0.5f;
  x[4] = 126.6f;
  for (Isa isa : runnable_isas()) {
    Block32 block;
    std::memcpy(&block, quantized(matmul_kernels(isa), Activations::block_32, x).data(),
                sizeof block);
    EXPECT_EQ(block.d, 1.0f);
    EXPECT_EQ(block.q[0], -127);
    EXPECT_EQ(block.q[1], 2);
    EXPECT_EQ(block.q[2], 4);
    EXPECT_EQ(block.q[3], 0);
    EXPECT_EQ(block.q[4], 127);
    EXPECT_EQ(block.start_8, -8 * (-127 + 2 + 4 + 127));
    EXPECT_EQ(block.start_128, -128 * (-127 + 2 + 4 + 127));
  }
}

TEST(QuantizeActivations, ScalesBelongToAbsoluteBlocks) {
  // A large value changes its own block of 32 (256) and no other.
  for (Isa isa : runnable_isas())
    for (Activations kind : {Activations::block_32, Activations::super_32, Activations::super_16}) {
      const auto bytes = static_cast<size_t>(activation_block_bytes(kind));
      std::vector<float> x = testing::random_floats(512, 3);
      const auto before = quantized(matmul_kernels(isa), kind, x);
      x[300] = 1000.0f;
      const auto after = quantized(matmul_kernels(isa), kind, x);
      const size_t changed = 300 / static_cast<size_t>(activation_block_columns(kind));
      for (size_t b = 0; b < before.size() / bytes; b++)
        EXPECT_EQ(std::memcmp(&before[b * bytes], &after[b * bytes], bytes) != 0, b == changed);
    }
}

TEST(QuantizeActivations, NotANumberComesOutAsOne) {
  std::vector<float> x = testing::random_floats(256, 4);
  x[200] = std::numeric_limits<float>::infinity();
  for (Isa isa : runnable_isas()) {
    Super32 block;
    std::memcpy(&block, quantized(matmul_kernels(isa), Activations::super_32, x).data(),
                sizeof block);
    EXPECT_TRUE(std::isnan(block.d));
    EXPECT_EQ(block.q[0], 0);
  }
}

TEST(QuantizeActivations, TokensKeepTheirPlaceWhoeverQuantisesThem) {
  const MatmulKernels kernels = portable_matmul_kernels();
  constexpr int64_t kTokens = 70, kColumns = 512;
  const std::vector<float> x = testing::random_floats(kTokens * kColumns, 5);
  for (Activations kind : kKinds) {
    const auto bytes = static_cast<size_t>(activation_bytes(kind, kColumns, kTokens));
    std::vector<std::byte> whole(bytes), parts(bytes);
    quantize_activations(kernels, kind, x.data(), kColumns, kColumns, kTokens, 0, kTokens,
                         whole.data());
    for (int64_t t = kTokens; t > 0; t -= 10)
      quantize_activations(kernels, kind, x.data(), kColumns, kColumns, kTokens, t - 10, t,
                           parts.data());
    EXPECT_EQ(whole, parts);
  }
}

}  // namespace
}  // namespace troika::cpu
