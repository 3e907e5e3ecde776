// Convolution and delta rule against float64; and that a sequence cut anywhere, or logged and
// replayed, gives the same bits.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "device/cpu/kernels/kernels_under_test.h"

namespace troika::cpu {
namespace {

constexpr int64_t kRows = 9;

void expect_same_bits(const std::vector<float>& got, const std::vector<float>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); i++)
    ASSERT_EQ(std::bit_cast<uint32_t>(got[i]), std::bit_cast<uint32_t>(want[i])) << i;
}

/// A convolution over `channels`, with its state.
struct Conv {
  Conv(const KernelTable& kernels, int64_t channel_count, int64_t tap_count)
      : table(kernels),
        channels(channel_count),
        taps(tap_count),
        x(normal_floats(kRows * channels, 1)),
        weights(normal_floats(taps * channels, 2)),
        history(static_cast<size_t>((taps - 1) * channels), NAN),
        log(static_cast<size_t>(kRows * channels), NAN),
        y(x.size(), NAN) {}

  void run(int64_t first, int64_t rows, int64_t certain, int64_t replay, bool fresh) {
    table.conv.conv({.x = x.data() + first * channels,
                     .x_stride = channels,
                     .y = y.data() + first * channels,
                     .y_stride = channels,
                     .taps = weights.data(),
                     .history = history.data(),
                     .log = log.data(),
                     .channels = channels,
                     .tap_count = taps,
                     .begin = 0,
                     .end = channels,
                     .rows = rows,
                     .certain = certain,
                     .replay = replay,
                     .fresh = fresh});
  }

  const KernelTable& table;
  int64_t channels;
  int64_t taps;
  std::vector<float> x;
  std::vector<float> weights;
  std::vector<float> history;
  std::vector<float> log;
  std::vector<float> y;
};

TEST(ConvKernelTest, AgreesWithFloat64) {
  for (const KernelTable& table : kernels_under_test())
    for (const int64_t channels : {1, 16, 37})
      for (const int64_t taps : {2, 4, 5}) {
        Conv conv(table, channels, taps);
        conv.run(0, kRows, kRows, 0, true);
        for (int64_t t = 0; t < kRows; t++)
          for (int64_t c = 0; c < channels; c++) {
            double sum = 0;
            for (int64_t j = 0; j < taps; j++)
              if (const int64_t at = t - (taps - 1) + j; at >= 0)
                sum += static_cast<double>(conv.weights[static_cast<size_t>(j * channels + c)]) *
                       conv.x[static_cast<size_t>(at * channels + c)];
            EXPECT_NEAR(conv.y[static_cast<size_t>(t * channels + c)], sum / (1 + std::exp(-sum)),
                        2e-6);
          }
      }
}

TEST(ConvKernelTest, CutsAndReplaysGiveTheSameBits) {
  for (const KernelTable& table : kernels_under_test())
    for (const int64_t taps : {2, 4, 5}) {
      Conv whole(table, 37, taps);
      whole.run(0, kRows, kRows, 0, true);
      Conv cut(table, 37, taps);
      cut.run(0, 2, 2, 0, true);
      cut.run(2, 4, 1, 0, false);  // rows 3, 4, 5 are logged
      cut.run(5, 1, 0, 2, false);  // 3 and 4 were right, 5 is done again and logged
      cut.run(6, 0, 0, 1, false);  // a replay alone
      cut.run(6, 3, 3, 0, false);
      expect_same_bits(cut.y, whole.y);
      expect_same_bits(cut.history, whole.history);
    }
}

struct DeltaShape {
  int64_t key_dim;
  int64_t value_dim;
};

/// The delta rule of one head, with its state.
struct Delta {
  Delta(const KernelTable& kernels, DeltaShape shape)
      : table(kernels),
        s(shape),
        q(normal_floats(kRows * s.key_dim, 1)),
        k(normal_floats(kRows * s.key_dim, 2)),
        v(normal_floats(kRows * s.value_dim, 3)),
        decay(static_cast<size_t>(kRows), 0.9F),
        beta(static_cast<size_t>(kRows), 0.4F),
        state(static_cast<size_t>(s.key_dim * s.value_dim), NAN),
        log(static_cast<size_t>(kRows * entry_floats()), NAN),
        o(v.size(), NAN) {
    for (float& x : k) x *= 0.3F;
    for (size_t t = 0; t < decay.size(); t++) decay[t] -= 0.05F * static_cast<float>(t);
  }

  int64_t entry_floats() const { return 1 + s.key_dim + s.value_dim; }

  void run(int64_t first, int64_t rows, int64_t certain, int64_t replay, bool fresh) {
    std::vector<float> scratch(static_cast<size_t>(s.key_dim * kDeltaColumns));
    DeltaArgs args{.state = state.data(),
                   .log = log.data(),
                   .log_stride = entry_floats(),
                   .q = q.data() + first * s.key_dim,
                   .q_stride = s.key_dim,
                   .k = k.data() + first * s.key_dim,
                   .k_stride = s.key_dim,
                   .v = v.data() + first * s.value_dim,
                   .v_stride = s.value_dim,
                   .decay = decay.data() + first,
                   .beta = beta.data() + first,
                   .gate_stride = 1,
                   .o = o.data() + first * s.value_dim,
                   .o_stride = s.value_dim,
                   .key_dim = s.key_dim,
                   .value_dim = s.value_dim,
                   .begin = 0,
                   .end = s.value_dim,
                   .rows = rows,
                   .certain = certain,
                   .replay = replay,
                   .fresh = fresh,
                   .scratch = scratch.data()};
    // Tile by tile, as threads take them.
    for (int64_t at = 0; at < s.value_dim; at += kDeltaColumns) {
      args.begin = at;
      args.end = std::min(s.value_dim, at + kDeltaColumns);
      table.delta.delta_rule(args);
    }
    table.delta.log_rows(args);
  }

  const KernelTable& table;
  DeltaShape s;
  std::vector<float> q;
  std::vector<float> k;
  std::vector<float> v;
  std::vector<float> decay;
  std::vector<float> beta;
  std::vector<float> state;
  std::vector<float> log;
  std::vector<float> o;
};

constexpr DeltaShape kDeltaShapes[] = {{8, 16}, {32, 32}, {5, 7}, {128, 128}, {16, 70}, {3, 100}};

TEST(DeltaKernelTest, AgreesWithFloat64) {
  for (const KernelTable& table : kernels_under_test())
    for (const DeltaShape& s : kDeltaShapes) {
      Delta d(table, s);
      d.run(0, kRows, kRows, 0, true);
      std::vector<double> m(static_cast<size_t>(s.key_dim * s.value_dim));
      for (int64_t t = 0; t < kRows; t++)
        for (int64_t j = 0; j < s.value_dim; j++) {
          const auto at = [&](int64_t i) -> double& {
            return m[static_cast<size_t>(i * s.value_dim + j)];
          };
          const auto key = [&](const std::vector<float>& rows, int64_t i) {
            return static_cast<double>(rows[static_cast<size_t>(t * s.key_dim + i)]);
          };
          double known = 0;
          for (int64_t i = 0; i < s.key_dim; i++) {
            at(i) *= d.decay[static_cast<size_t>(t)];
            known += key(d.k, i) * at(i);
          }
          const auto value = static_cast<size_t>(t * s.value_dim + j);
          const double delta = d.beta[static_cast<size_t>(t)] * (d.v[value] - known);
          double sum = 0;
          for (int64_t i = 0; i < s.key_dim; i++) {
            at(i) += key(d.k, i) * delta;
            sum += key(d.q, i) * at(i);
          }
          EXPECT_NEAR(d.o[value], sum, 2e-5 * (1 + std::abs(sum))) << s.key_dim << " " << t;
        }
    }
}

TEST(DeltaKernelTest, CutsAndReplaysGiveTheSameBits) {
  for (const KernelTable& table : kernels_under_test())
    for (const DeltaShape& s : kDeltaShapes) {
      Delta whole(table, s);
      whole.run(0, kRows, kRows, 0, true);
      Delta cut(table, s);
      cut.run(0, 2, 2, 0, true);
      cut.run(2, 4, 1, 0, false);
      cut.run(5, 1, 0, 2, false);
      cut.run(6, 0, 0, 1, false);
      cut.run(6, 3, 3, 0, false);
      expect_same_bits(cut.o, whole.o);
      expect_same_bits(cut.state, whole.state);
    }
}

}  // namespace
}  // namespace troika::cpu
