#include "graph/state.h"

#include <gtest/gtest.h>

namespace troika {
namespace {

TEST(StateTest, BytesOfAPageFollowTheKvType) {
  const KvState kv{.kv_heads = 2, .key_dim = 64, .value_dim = 32};
  const int64_t numbers = 64 * 2 * 96;
  EXPECT_EQ(state_unit_bytes(kv, {.kv_dtype = DType::f32}), numbers * 4);
  EXPECT_EQ(state_unit_bytes(kv, {.kv_dtype = DType::f16}), numbers * 2);
  EXPECT_EQ(state_unit_bytes(kv, {.kv_dtype = DType::bf16}), numbers * 2);
  EXPECT_EQ(state_unit_bytes(kv, {.kv_dtype = DType::q8_0}), numbers / 32 * 34);
}

TEST(StateTest, NamesItsKvTypes) {
  EXPECT_EQ(kv_dtype_names(), "f16, bf16, q8_0 or f32");
}

TEST(StateTest, RefusesWhatCannotBeStored) {
  const Status type = check_state(HiddenState{8}, {.kv_dtype = DType::q4_0});
  EXPECT_EQ(type.error().code(), ErrorCode::unsupported);
  EXPECT_EQ(type.error().message(), "keys and values as q4_0, wanted f16, bf16, q8_0 or f32");
  for (const KvState& kv : {KvState{1, 80, 64}, KvState{1, 64, 80}}) {
    for (const DType dtype : {DType::f16, DType::bf16, DType::f32})
      EXPECT_TRUE(check_state(kv, {.kv_dtype = dtype}).ok());
    const Status size = check_state(kv, {.kv_dtype = DType::q8_0});
    EXPECT_EQ(size.error().code(), ErrorCode::invalid_argument);
    EXPECT_NE(size.error().message().find("wanted the KV type f16, bf16 or f32"),
              std::string::npos);
  }
  EXPECT_TRUE(check_state(KvState{1, 64, 96}, {.kv_dtype = DType::q8_0}).ok());
  EXPECT_TRUE(check_state(ConvState{7, 4}, {.kv_dtype = DType::q8_0}).ok());
}

}  // namespace
}  // namespace troika
