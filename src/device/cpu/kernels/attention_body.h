// The attention kernels for any lanes. Scores and weighted values are the same small product: the
// rows of a panel (attention_pages_body.h), each times a number of every query. Sums of a query
// live in registers, or between calls in memory, which does not change a bit.
#pragma once

#include "device/cpu/kernels/attention_pages_body.h"
#include "device/cpu/kernels/math_body.h"

namespace troika::cpu {

inline constexpr int kBlockVectors = 4;        // of the scores of a query
inline constexpr int64_t kConvertedRows = 64;  // of a panel at a time
inline constexpr int64_t kKeyPanels = kAttentionBlock / kPanelColumns;
inline constexpr int64_t kSpareQueries = 7;  // what a tile may have beyond the last query

/// Queries of a product: sums[q][0 ... 31] += sum_k factors[q][k] * row k. Tiles are powers of two,
/// so behind the last query come spare ones, whose sums nobody reads.
struct Product {
  const float* factors[kTileQueries + kSpareQueries];
  float* sums[kTileQueries + kSpareQueries];
  int64_t queries = 0;

  void add(const float* factor, float* sum) {
    factors[queries] = factor;
    sums[queries++] = sum;
  }
  void fill(float* spare) {
    for (int64_t q = queries; q < queries + kSpareQueries; q++) {
      factors[q] = factors[queries - 1];
      sums[q] = spare;
    }
  }
};

/// kQueries queries from `at` on, over rows [begin, end), in order.
template <class V, int kQueries, class Rows>
inline void multiply_tile(const Product& product, int64_t at, Rows rows, int64_t begin,
                          int64_t end) {
  constexpr int kVectors = kPanelColumns / V::kCount;
  const float* factors[kQueries];
  V sum[kQueries][kVectors];
#pragma GCC unroll 8
  for (int q = 0; q < kQueries; q++) {
    factors[q] = product.factors[at + q];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; j++) sum[q][j] = V::load(product.sums[at + q] + j * V::kCount);
  }
  for (int64_t run = begin; run < end;) {
    const int64_t run_end = run / Rows::kRun * Rows::kRun + Rows::kRun;
    const int64_t stop = run_end < end ? run_end : end;
    rows.enter(run);
    for (int64_t k = run; k < stop; k++) {
      rows.ahead(k);
      V b[kVectors];
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; j++) b[j] = rows.load(k, j);
#pragma GCC unroll 8
      for (int q = 0; q < kQueries; q++) {
        const V a = V::all(factors[q][k]);
#pragma GCC unroll 4
        for (int j = 0; j < kVectors; j++) sum[q][j] = V::fma(a, b[j], sum[q][j]);
      }
    }
    run = stop;
  }
#pragma GCC unroll 8
  for (int q = 0; q < kQueries; q++) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; j++) sum[q][j].store(product.sums[at + q] + j * V::kCount);
  }
}

template <class V, class Rows>
inline void multiply_tiles(const Product& product, const Rows& rows, int64_t begin, int64_t end) {
  constexpr int kMost = V::kTileRows;
  for (int64_t q = 0; q < product.queries;) {
    const int64_t left = product.queries - q;
    if (kMost >= 8 && left > 4) {
      multiply_tile<V, kMost >= 8 ? 8 : 1>(product, q, rows, begin, end);
      q += 8;
    } else if (kMost >= 4 && left > 2) {
      multiply_tile<V, kMost >= 4 ? 4 : 1>(product, q, rows, begin, end);
      q += 4;
    } else if (kMost >= 2 && left > 1) {
      multiply_tile<V, kMost >= 2 ? 2 : 1>(product, q, rows, begin, end);
      q += 2;
    } else {
      multiply_tile<V, 1>(product, q, rows, begin, end);
      q += 1;
    }
  }
}

/// Converts rows once for all queries.
template <class V, class Rows>
inline void multiply_converted(const Product& product, Rows rows, int64_t begin, int64_t end) {
  alignas(64) float converted[kConvertedRows * kPanelColumns];
  for (int64_t at = begin; at < end; at += kConvertedRows) {
    const int64_t stop = at + kConvertedRows < end ? at + kConvertedRows : end;
    for (int64_t k = at; k < stop; k++) {
      if (k == at || k % Rows::kRun == 0) rows.enter(k);
      for (int j = 0; j < kPanelColumns / V::kCount; j++)
        rows.load(k, j).store(converted + (k - at) * kPanelColumns + j * V::kCount);
    }
    multiply_tiles<V>(product, ConvertedRows<V, Rows>{converted, at, rows}, at, stop);
  }
}

template <class V, class Rows>
inline void multiply(const Product& product, const Rows& rows, int64_t begin, int64_t end) {
  if constexpr (Rows::kConverts) {
    if (product.queries > V::kTileRows) return multiply_converted<V>(product, rows, begin, end);
  }
  multiply_tiles<V>(product, rows, begin, end);
}

/// e^(m - largest), one for both of a maximum that did not move.
template <class V>
inline float shrink(float m, float largest) {
  float lanes[V::kCount];
  exp_of<V>(V::all(m - largest)).store(lanes);
  return lanes[0];
}

/// What a tile keeps while it works on a partition. Scores become weights in place.
template <class V>
struct TileState {
  alignas(64) float scores[kTileQueries][kAttentionBlock];
  alignas(64) float spare[kPanelColumns];
  alignas(64) float m[kTileQueries];
  alignas(64) float moved[kTileQueries];  // m before less m after, then e to it
  V l[kTileQueries];
  int keys[kTileQueries];  // of the block that a query sees
  float* o[kTileQueries];
};

/// The first `keys` of the vectors of a block: how many are in vector `j`.
template <class V>
inline int lanes_of(int keys, int j) {
  const int left = keys - j * V::kCount;
  return left < 0 ? 0 : left < V::kCount ? left : V::kCount;
}

/// Scales the scores of a query, hides those behind its keys and moves its maximum.
template <class V>
inline void find_maximum(TileState<V>& state, int64_t q, float scale) {
  const V least = V::all(-__builtin_inff());
  V top = least;
#pragma GCC unroll 8
  for (int j = 0; j < kAttentionBlock / V::kCount; j++) {
    float* scores = state.scores[q] + j * V::kCount;
    const V s = (V::load(scores) * V::all(scale)).first(lanes_of<V>(state.keys[q], j), least);
    s.store(scores);
    top = V::max(top, s);
  }
  const float block = top.largest();
  const float m = block > state.m[q] ? block : state.m[q];
  state.moved[q] = state.m[q] - m;
  state.m[q] = m;
}

/// Turns the scores of a query into weights, and brings its sums to the new maximum.
template <class V>
inline void weigh(TileState<V>& state, int64_t q, int64_t value_dim) {
  static_assert(kAttentionBlock == kBlockVectors * V::kCount);
  V p[kBlockVectors];
#pragma GCC unroll 4
  for (int j = 0; j < kBlockVectors; j++) {
    float* scores = state.scores[q] + j * V::kCount;
    p[j] = exp_of<V>(V::load(scores) - V::all(state.m[q]))
               .first(lanes_of<V>(state.keys[q], j), V::all(0.0F));
    p[j].store(scores);
  }
  const V c = V::all(state.moved[q]);
  state.l[q] = V::fma(state.l[q], c, (p[0] + p[1]) + (p[2] + p[3]));
  float* o = state.o[q];
  for (int64_t i = 0; i < value_dim; i += V::kCount) (V::load(o + i) * c).store(o + i);
}

/// Scores to weights for the queries [first, count). The factors of all maxima that moved are made
/// together: lanes do not know each other.
template <class V>
inline void soften(const AttentionTile& tile, TileState<V>& state, int64_t first, int64_t count) {
  for (int64_t q = first; q < count; q++) find_maximum<V>(state, q, tile.scale);
  for (int64_t q = first / V::kCount * V::kCount; q < count; q += V::kCount)
    exp_of<V>(V::load(state.moved + q)).store(state.moved + q);
  for (int64_t q = first; q < count; q++) weigh<V>(state, q, tile.value_dim);
}

/// o += p V for the queries [first, count): first over the keys that all see, then for each row of
/// queries over its own rest.
template <class V, class Page>
inline void add_values(const AttentionTile& tile, TileState<V>& state, int64_t first, int64_t count,
                       const Page& page) {
  const int64_t common = state.keys[first];  // rows ascend, so the first sees the fewest
  for (int64_t panel = 0; panel * kPanelColumns < tile.value_dim; panel++)
    page.values(panel, [&](const auto& rows) {
      Product all;
      for (int64_t q = first; q < count; q++)
        all.add(state.scores[q], state.o[q] + panel * kPanelColumns);
      all.fill(state.spare);
      multiply<V>(all, rows, 0, common);
      if (state.keys[count - 1] == common) return;
      for (int64_t row = first + tile.heads; row < count; row += tile.heads) {
        Product one;
        for (int64_t q = row; q < row + tile.heads; q++)
          one.add(state.scores[q], state.o[q] + panel * kPanelColumns);
        one.fill(state.spare);
        multiply<V>(one, rows, common, state.keys[row]);
      }
    });
}

/// One block of 64 keys for the queries [first, count).
template <class V, class Page>
inline void attend_block(const AttentionTile& tile, TileState<V>& state, int64_t first,
                         int64_t count, const Page& page) {
  for (int64_t q = first; q < count; q++)
    for (int j = 0; j < kBlockVectors; j++) V::all(0.0F).store(state.scores[q] + j * V::kCount);
  for (int64_t panel = 0; panel * kPanelColumns < state.keys[count - 1]; panel++)
    page.keys(panel, [&](const auto& rows) {
      Product all;
      for (int64_t q = first; q < count; q++)
        all.add(tile.q + q / tile.heads * tile.q_stride + q % tile.heads * tile.key_dim,
                state.scores[q] + panel * kPanelColumns);
      all.fill(state.spare);
      multiply<V>(all, rows, 0, tile.key_dim);
    });
  soften<V>(tile, state, first, count);
  add_values<V>(tile, state, first, count, page);
}

template <class V, class Page>
inline void partition_of(const AttentionTile& tile, int64_t number, float* partials) {
  const int64_t floats = partial_floats(tile.value_dim);
  const int64_t begin = number * kAttentionPartition;
  const int64_t length = tile.position + tile.rows;  // of the last row
  const int64_t end = length < begin + kAttentionPartition ? length : begin + kAttentionPartition;
  const int64_t count = tile.rows * tile.heads;
  // Rows at a position before the partition have no part in it.
  const int64_t before = begin > tile.position ? (begin - tile.position) * tile.heads : 0;
  TileState<V> state = {};
  for (int64_t q = before; q < count; q++) {
    state.m[q] = -__builtin_inff();
    state.o[q] = partials + q * floats;
    for (int64_t i = 0; i < floats; i += V::kCount) V::all(0.0F).store(state.o[q] + i);
  }
  int64_t first = before;
  for (int64_t block = begin; block < end; block += kAttentionBlock) {
    while (tile.position + first / tile.heads < block) first += tile.heads;
    for (int64_t q = first; q < count; q++) {
      const int64_t seen = tile.position + q / tile.heads + 1 - block;
      state.keys[q] = static_cast<int>(seen < kAttentionBlock ? seen : kAttentionBlock);
    }
    const int32_t* page = tile.pages + block / kAttentionBlock;
    const uint8_t* head = tile.store + page[0] * tile.page_bytes;
    const bool is_last = block + kAttentionBlock >= length;
    const uint8_t* next = is_last ? head : tile.store + page[1] * tile.page_bytes;
    attend_block<V>(tile, state, first, count, Page{{head, next, tile.key_dim, tile.value_dim}});
  }
  for (int64_t q = before; q < count; q++) {
    partials[(q + 1) * floats - 16] = state.m[q];
    partials[(q + 1) * floats - 15] = state.l[q].sum();
  }
}

template <class V>
inline void partition_body(const AttentionTile& tile, int64_t number, float* partials) noexcept {
  switch (tile.type) {
    case KvType::f32:
      return partition_of<V, PlainPage<V, float>>(tile, number, partials);
    case KvType::f16:
      return partition_of<V, PlainPage<V, uint16_t>>(tile, number, partials);
    case KvType::bf16:
      return partition_of<V, PlainPage<V, Bf16>>(tile, number, partials);
    case KvType::q8_0:
      return partition_of<V, BlockPage<V>>(tile, number, partials);
  }
}

template <class V>
inline void merge_body(const AttentionTile& tile, int64_t number, const float* partials,
                       float* totals) noexcept {
  const int64_t floats = partial_floats(tile.value_dim);
  const int64_t o_floats = floats - 16;
  for (int64_t q = 0; q < tile.rows * tile.heads; q++) {
    if (tile.position + q / tile.heads < number * kAttentionPartition) continue;
    const float* part = partials + q * floats;
    float* total = totals + q * floats;
    const float m = part[o_floats] > total[o_floats] ? part[o_floats] : total[o_floats];
    const V old_factor = V::all(shrink<V>(total[o_floats], m));
    const V new_factor = V::all(shrink<V>(part[o_floats], m));
    // l lies beside m: the same two products and one sum as for o.
    for (int64_t i = 0; i < floats; i += V::kCount)
      V::fma(V::load(total + i), old_factor, V::load(part + i) * new_factor).store(total + i);
    total[o_floats] = m;
  }
}

template <class V>
inline void finish_body(const AttentionTile& tile, const float* totals) noexcept {
  const int64_t floats = partial_floats(tile.value_dim);
  for (int64_t q = 0; q < tile.rows * tile.heads; q++) {
    const float* total = totals + q * floats;
    float* o = tile.o + q / tile.heads * tile.o_stride + q % tile.heads * tile.value_dim;
    const V l = V::all(total[floats - 15]);
    for (int64_t i = 0; i < tile.value_dim; i += V::kCount) {
      const int64_t left = tile.value_dim - i;
      (V::load(total + i) / l)
          .store_first(o + i, static_cast<int>(left < V::kCount ? left : V::kCount));
    }
  }
}

template <class V>
inline AttentionKernels attention_kernels_of() {
  return {store_body<V>, partition_body<V>, merge_body<V>, finish_body<V>};
}

}  // namespace troika::cpu
