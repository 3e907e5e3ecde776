// The attention kernels for any lanes. Scores and weighted values are the same small product:
// sixty- four columns (keys, or value columns) for a few queries at once, so that a vector of the
// page is converted once for all of them. Sums of a query live in registers, or between calls in
// memory, which does not change a bit.
#pragma once

#include "device/cpu/kernels/attention.h"
#include "device/cpu/kernels/math_body.h"

namespace troika::cpu {

inline constexpr int kVectorsMax = 4;
inline constexpr int64_t kColumns = 64;

/// sum[q][column] += factor[q][k] * rows[k][column], for k in order: kQueries queries, kVectors *
/// 16 columns of which the last vector holds `last`.
template <class V, int kQueries, int kVectors, bool kCut, class Element>
inline void block_product(const float* const* factors, const Element* rows, int64_t stride,
                          int64_t depth, float* const* sums, int last) {
  V sum[kQueries][kVectors];
#pragma GCC unroll 8
  for (int q = 0; q < kQueries; q++) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; j++) sum[q][j] = V::load(sums[q] + j * V::kCount);
  }
  for (int64_t k = 0; k < depth; k++) {
    const Element* row = rows + k * stride;
    V b[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; j++)
      b[j] = kCut && j + 1 == kVectors ? V::load_first(row + j * V::kCount, last)
                                       : V::load(row + j * V::kCount);
#pragma GCC unroll 8
    for (int q = 0; q < kQueries; q++) {
      const V a = V::all(factors[q][k]);
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; j++) sum[q][j] = V::fma(a, b[j], sum[q][j]);
    }
  }
#pragma GCC unroll 8
  for (int q = 0; q < kQueries; q++) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; j++) sum[q][j].store(sums[q] + j * V::kCount);
  }
}

/// The same for any number of queries and of columns up to 64.
template <class V, int kVectors, bool kCut, class Element>
inline void product_of(const float* const* factors, int64_t queries, const Element* rows,
                       int64_t stride, int64_t depth, float* const* sums, int last) {
  int64_t q = 0;
  for (; q + 5 <= queries; q += 5)
    block_product<V, 5, kVectors, kCut>(factors + q, rows, stride, depth, sums + q, last);
  for (; q + 2 <= queries; q += 2)
    block_product<V, 2, kVectors, kCut>(factors + q, rows, stride, depth, sums + q, last);
  for (; q < queries; q++)
    block_product<V, 1, kVectors, kCut>(factors + q, rows, stride, depth, sums + q, last);
}

template <class V, class Element>
inline void product(const float* const* factors, int64_t queries, const Element* rows,
                    int64_t stride, int64_t depth, float* const* sums, int64_t columns) {
  const int64_t vectors = (columns + V::kCount - 1) / V::kCount;
  const int last = static_cast<int>(columns - (vectors - 1) * V::kCount);
  if (columns == kColumns)
    product_of<V, 4, false>(factors, queries, rows, stride, depth, sums, last);
  else if (vectors == 4)
    product_of<V, 4, true>(factors, queries, rows, stride, depth, sums, last);
  else if (vectors == 3)
    product_of<V, 3, true>(factors, queries, rows, stride, depth, sums, last);
  else if (vectors == 2)
    product_of<V, 2, true>(factors, queries, rows, stride, depth, sums, last);
  else
    product_of<V, 1, true>(factors, queries, rows, stride, depth, sums, last);
}

/// e^(m - largest), one for both of a maximum that did not move.
template <class V>
inline float shrink(float m, float largest) {
  float lanes[V::kCount];
  exp_of<V>(V::all(m - largest)).store(lanes);
  return lanes[0];
}

/// What a query keeps between blocks. m and l as in attention.h.
template <class V>
struct Query {
  float m;
  V l;
  float* o;
};

/// Turns the scores of a block into weights, of which `keys` are wanted, and brings the query's
/// sums to the new maximum.
template <class V>
inline void soften(float* scores, int keys, float scale, int64_t value_dim, Query<V>& query) {
  const V least = V::all(-__builtin_inff());
  V s[kVectorsMax];
  V top = least;
#pragma GCC unroll 4
  for (int j = 0; j < kVectorsMax; j++) {
    const int left = keys - j * V::kCount;
    const int n = left < 0 ? 0 : left < V::kCount ? left : V::kCount;
    s[j] = (V::load(scores + j * V::kCount) * V::all(scale)).first(n, least);
    top = V::max(top, s[j]);
  }
  const float block = top.largest();
  const float m = block > query.m ? block : query.m;
  const float c = shrink<V>(query.m, m);
#pragma GCC unroll 4
  for (int j = 0; j < kVectorsMax; j++) {
    const int left = keys - j * V::kCount;
    const int n = left < 0 ? 0 : left < V::kCount ? left : V::kCount;
    s[j] = exp_of<V>(s[j] - V::all(m)).first(n, V::all(0.0F));
    s[j].store(scores + j * V::kCount);
  }
  query.l = V::fma(query.l, V::all(c), (s[0] + s[1]) + (s[2] + s[3]));
  query.m = m;
  for (int64_t i = 0; i < value_dim; i += V::kCount)
    (V::load(query.o + i) * V::all(c)).store(query.o + i);
}

/// What a tile keeps while it works on a partition. Scores become weights in place.
template <class V>
struct TileState {
  Query<V> queries[kTileQueries];
  alignas(64) float scores[kTileQueries][kColumns];
};

/// o += p V for the queries [first, count) over the keys that `tile` row of each sees: first those
/// that all see, then each query's own rest.
template <class V, class Element>
inline void add_values(const AttentionTile& tile, TileState<V>& state, int64_t first, int64_t count,
                       const int* keys, const Element* values) {
  const float* weights[kTileQueries];
  float* sums[kTileQueries];
  const int common = keys[first];  // rows ascend, so the first sees the fewest
  for (int64_t at = 0; at < tile.value_dim; at += kColumns) {
    const int64_t left = tile.value_dim - at;
    const int64_t columns = left < kColumns ? left : kColumns;
    for (int64_t q = first; q < count; q++) {
      weights[q] = state.scores[q];
      sums[q] = state.queries[q].o + at;
    }
    product<V>(weights + first, count - first, values + at, tile.value_dim, common, sums + first,
               columns);
    for (int64_t q = first; q < count; q++) {
      if (keys[q] == common) continue;
      weights[q] += common;
      product<V>(weights + q, 1, values + common * tile.value_dim + at, tile.value_dim,
                 keys[q] - common, sums + q, columns);
    }
  }
}

/// One block of 64 keys for the queries [first, count).
template <class V, class Element>
inline void attend_block(const AttentionTile& tile, TileState<V>& state, int64_t first,
                         int64_t count, const int* keys, const Element* page) {
  const float* factors[kTileQueries];
  float* sums[kTileQueries];
  for (int64_t q = first; q < count; q++) {
    factors[q] = tile.q + q / tile.heads * tile.q_stride + q % tile.heads * tile.key_dim;
    sums[q] = state.scores[q];
    for (int j = 0; j < kVectorsMax; j++) V::all(0.0F).store(sums[q] + j * V::kCount);
  }
  product<V>(factors + first, count - first, page, kAttentionBlock, tile.key_dim, sums + first,
             kColumns);
  for (int64_t q = first; q < count; q++)
    soften<V>(state.scores[q], keys[q], tile.scale, tile.value_dim, state.queries[q]);
  add_values<V>(tile, state, first, count, keys, page + kAttentionBlock * tile.key_dim);
}

template <class V, class Element>
inline void partition_of(const AttentionTile& tile, int64_t number, float* partials) {
  const int64_t count = tile.rows * tile.heads;
  const int64_t floats = partial_floats(tile.value_dim);
  const int64_t begin = number * kAttentionPartition;
  TileState<V> state;
  for (int64_t q = 0; q < count; q++) {
    state.queries[q] = {-__builtin_inff(), V::all(0.0F), partials + q * floats + 2};
    if (tile.position + q / tile.heads < begin) continue;
    for (int64_t i = 0; i < tile.value_dim; i += V::kCount)
      V::all(0.0F).store(state.queries[q].o + i);
  }
  const int64_t length = tile.position + tile.rows;  // of the last row
  const int64_t end = length < begin + kAttentionPartition ? length : begin + kAttentionPartition;
  for (int64_t block = begin; block < end; block += kAttentionBlock) {
    int keys[kTileQueries];
    int64_t first = count;
    for (int64_t q = count - 1; q >= 0; q--) {
      const int64_t seen = tile.position + q / tile.heads + 1 - block;
      if (seen <= 0) break;
      keys[q] = static_cast<int>(seen < kAttentionBlock ? seen : kAttentionBlock);
      first = q;
    }
    const Element* page = static_cast<const Element*>(tile.store) +
                          tile.pages[block / kAttentionBlock] * tile.page_elements;
    attend_block<V>(tile, state, first, count, keys, page);
  }
  for (int64_t q = 0; q < count; q++) {
    if (tile.position + q / tile.heads < begin) continue;
    partials[q * floats] = state.queries[q].m;
    partials[q * floats + 1] = state.queries[q].l.sum();
  }
}

template <class V>
inline void partition_body(const AttentionTile& tile, int64_t number, float* partials) noexcept {
  if (tile.half)
    partition_of<V, uint16_t>(tile, number, partials);
  else
    partition_of<V, float>(tile, number, partials);
}

template <class V>
inline void merge_body(const AttentionTile& tile, int64_t number, const float* partials,
                       float* totals) noexcept {
  const int64_t floats = partial_floats(tile.value_dim);
  for (int64_t q = 0; q < tile.rows * tile.heads; q++) {
    if (tile.position + q / tile.heads < number * kAttentionPartition) continue;
    const float* part = partials + q * floats;
    float* total = totals + q * floats;
    const float m = part[0] > total[0] ? part[0] : total[0];
    const V old_factor = V::all(shrink<V>(total[0], m));
    const V new_factor = V::all(shrink<V>(part[0], m));
    // l lies beside m: the same two products and one sum as for o, in a lane.
    const V l = V::fma(V::all(total[1]), old_factor, V::all(part[1]) * new_factor);
    l.store_first(total + 1, 1);
    total[0] = m;
    for (int64_t i = 2; i < floats; i += V::kCount)
      V::fma(V::load(total + i), old_factor, V::load(part + i) * new_factor).store(total + i);
  }
}

template <class V>
inline void finish_body(const AttentionTile& tile, const float* totals) noexcept {
  const int64_t floats = partial_floats(tile.value_dim);
  for (int64_t q = 0; q < tile.rows * tile.heads; q++) {
    const float* total = totals + q * floats;
    float* o = tile.o + q / tile.heads * tile.o_stride + q % tile.heads * tile.value_dim;
    const V l = V::all(total[1]);
    for (int64_t i = 0; i < tile.value_dim; i += V::kCount) {
      const int64_t left = tile.value_dim - i;
      (V::load(total + 2 + i) / l)
          .store_first(o + i, static_cast<int>(left < V::kCount ? left : V::kCount));
    }
  }
}

template <class V, class Element>
inline void store_body(const KvRow& row) noexcept {
  Element* page = static_cast<Element*>(row.page);
  for (int64_t head = 0; head < row.kv_heads; head++) {
    Element lanes[V::kCount];
    for (int64_t i = 0; i < row.key_dim; i += V::kCount) {
      const int64_t left = row.key_dim - i;
      const int n = static_cast<int>(left < V::kCount ? left : V::kCount);
      V::load_first(row.k + head * row.key_dim + i, n).store_first(lanes, n);
      for (int j = 0; j < n; j++) page[(i + j) * kAttentionBlock + row.slot] = lanes[j];
    }
    page += row.key_dim * kAttentionBlock;
    for (int64_t i = 0; i < row.value_dim; i += V::kCount) {
      const int64_t left = row.value_dim - i;
      const int n = static_cast<int>(left < V::kCount ? left : V::kCount);
      V::load_first(row.v + head * row.value_dim + i, n)
          .store_first(page + row.slot * row.value_dim + i, n);
    }
    page += row.value_dim * kAttentionBlock;
  }
}

template <class V>
inline AttentionKernels attention_kernels_of() {
  return {store_body<V, uint16_t>, store_body<V, float>, partition_body<V>, merge_body<V>,
          finish_body<V>};
}

}  // namespace troika::cpu
