// The loop of the fast matmul kernels over strips, leaves, blocks and tiles of tokens, for any
// instruction set. A file that includes this compiles its own: everything here has internal
// linkage.
//
// A kernel is a Format and the Lanes of its instruction set (lanes_*.h), which add the leaves:
//   struct Format {
//     using L = ...Layout;                // of kernels/matmul_layouts.h
//     using X = ...;                      // the activations of one block and token
//     static constexpr int kStep;         // blocks in one tile, at most
//     static constexpr int kTileTokens;   // tokens in one tile, at most 8: what registers hold
//     template <int T> static void tile(const Tile<X>& tile);
//     // Where several tiles of tokens share a block: writes its weights to `out`, kUnpackedBytes,
//     // as tiles of 4 tokens and more then find them at Tile::unpacked.
//     static constexpr bool kUnpacks = true;
//     static void unpack(const Tile<X>& tile, std::byte* out);
//   };
// Within a block all tiles run before the next block, so that the packed block stays in L1; the
// first tile fetches the weights of the next window (kWindow) into L2.
#pragma once

#include <cstddef>
#include <cstdint>

#include "device/cpu/kernels/matmul.h"

#define TROIKA_INLINE inline __attribute__((always_inline))
#define TROIKA_UNROLL _Pragma("GCC unroll 16")
#define TROIKA_KEEP_LOOP _Pragma("GCC unroll 1")

namespace troika::cpu {
namespace {

// Weights are fetched a window of this many pages ahead, one line of each page in turn: hardware
// follows a stream within a page of 4 KiB only, and the lines it may have under way for one page
// are too few to hide the memory behind the products. Page after page, 8 tokens cost 1.35 times
// one where this order costs 1.15 (Emerald Rapids, q4_k).
constexpr int64_t kPage = 4096, kPages = 4, kWindow = kPages * kPage;

/// Fetches one line of the next window into L2: its own one for each line p of this window.
TROIKA_INLINE void fetch_line(const std::byte* p) {
  const auto at = static_cast<int64_t>(reinterpret_cast<uintptr_t>(p) % kWindow);
  const int64_t line = at / 64;
  __builtin_prefetch(p + (kWindow - at + line % kPages * kPage + line / kPages * 64), 0, 2);
}

/// Fetches a line for each of part `part` of `parts` of `bytes` bytes at p. Spread over the
/// products of a block: a burst would hold the buffers that its own loads need.
TROIKA_INLINE void fetch_part(const std::byte* p, int bytes, int parts, int part) {
  const int lines = (bytes + 63) / 64;
  const int end = lines * (part + 1) / parts;
  for (int line = lines * part / parts; line < end; line++) fetch_line(p + 64 * line);
}

/// Fetches a line for each of `Bytes` bytes of weights at p.
template <int Bytes>
TROIKA_INLINE void fetch_weights(const std::byte* p) {
  TROIKA_UNROLL for (int i = 0; i < Bytes; i += 64) fetch_line(p + i);
}

/// Fetches `Bytes` bytes of activations into L1: those of the next tile follow this tile's.
template <int Bytes>
TROIKA_INLINE void fetch_inputs(const void* p) {
  const auto* bytes = static_cast<const std::byte*>(p);
  TROIKA_UNROLL for (int i = 0; i < Bytes; i += 64) __builtin_prefetch(bytes + i, 0, 3);
}

/// `blocks` blocks for T tokens: acc[16 t ..] += the products of token t.
template <class X>
struct Tile {
  const std::byte* head;
  const std::byte* block;
  const X* x;  // x[t + x_step * b] is token t of block b
  int64_t x_step;
  float* acc;
  const std::byte* fetch;     // for which to fetch: kFetched<L> bytes a block
  uint32_t fetch_parts;       // bit i: of part i of a block, or of the i-th block
  const std::byte* unpacked;  // what Format::unpack wrote, or null
  int blocks;
  int keep;  // all bits, or none at the start of a leaf: acc counts as zero

  TROIKA_INLINE bool fetches(int part) const { return (fetch_parts >> part & 1) != 0; }
};

/// Bytes of a strip that belong to one block of layout L.
template <class L>
inline constexpr int kFetched = L::head + L::bytes;

/// Fetches part i of `Parts` of what comes later: weights, and the activations of the next tile.
template <class L, int T, int Parts, class X>
TROIKA_INLINE void fetch_part(const Tile<X>& c, int i) {
  constexpr int kBytes = kFetched<L> / Parts;
  if (c.fetches(i)) fetch_weights<kBytes>(c.fetch + i * kBytes);
  constexpr int kInputs = T * sizeof(X) / Parts;
  fetch_inputs<kInputs>(reinterpret_cast<const std::byte*>(c.x + T) + i * kInputs);
}

/// Whether the Format has unpack().
template <class Format>
consteval bool unpacks() {
  if constexpr (requires { Format::kUnpacks; }) return Format::kUnpacks;
  return false;
}

/// Calls Format::tile<tokens>.
template <class Format, int T = 1>
TROIKA_INLINE void run_tile(int64_t tokens, const Tile<typename Format::X>& tile) {
  if constexpr (T < Format::kTileTokens) {
    if (tokens > T) return run_tile<Format, T + 1>(tokens, tile);
  }
  Format::template tile<T>(tile);
}

/// `Count` leaves of one token, `step` floats apart: the tree of kernels/matmul.h.
template <class Lanes, int Count>
TROIKA_INLINE Lanes tree_sum(const float* leaves, int64_t step) {
  if constexpr (Count == 1) {
    return Lanes::load(leaves);
  } else {
    constexpr int kLeft = (Count + 1) / 2;
    return tree_sum<Lanes, kLeft>(leaves, step) +
           tree_sum<Lanes, Count - kLeft>(leaves + kLeft * step, step);
  }
}

template <class Lanes, int Count>
void store_sums(const MatmulArgs& args, int64_t strip, int64_t leaf_step) {
  const int64_t first = strip * kStripRows;
  const int64_t left = args.rows - first;
  const int rows = static_cast<int>(left < kStripRows ? left : kStripRows);
  for (int64_t t = 0; t < args.tokens; t++)
    tree_sum<Lanes, Count>(args.scratch + t * kStripRows, leaf_step)
        .store_first(args.y + t * args.y_stride + first, rows);
}

template <class Lanes, int Count = 1>
TROIKA_INLINE void finish_strip(const MatmulArgs& args, int64_t strip, int64_t leaf_step) {
  if constexpr (Count < kMatmulLeavesMax) {
    if (args.leaves > Count) return finish_strip<Lanes, Count + 1>(args, strip, leaf_step);
  }
  store_sums<Lanes, Count>(args, strip, leaf_step);
}

/// Adds the products of one strip to its leaves. Format::kStep blocks at most go into one tile.
template <class Format>
TROIKA_INLINE void run_strip(const MatmulArgs& args, int64_t strip, int64_t leaf_step) {
  using L = typename Format::L;
  const std::byte* head = args.strips + strip * args.strip_bytes;
  const std::byte* block = head + args.head_bytes;
  const std::byte* fetch = head;
  const auto* x = reinterpret_cast<const typename Format::X*>(args.x);
  const int64_t tiles = (args.tokens + Format::kTileTokens - 1) / Format::kTileTokens;
  // Every tile fetches its share: one alone would wait for memory while the others want none.
  uint32_t fetch_parts = 0;
  for (int64_t part = 0; part < 32; part += tiles) fetch_parts |= uint32_t{1} << part;
  int64_t leaf = -1;
  for (int64_t i = 0; i < args.run_count; i++) {
    const BlockRun& run = args.runs[i];
    for (int64_t b = 0; b < run.blocks; b += Format::kStep) {
      const int64_t left = run.blocks - b;
      const int blocks = static_cast<int>(left < Format::kStep ? left : Format::kStep);
      const int keep = run.leaf == leaf ? -1 : 0;
      leaf = run.leaf;
      const std::byte* unpacked = nullptr;
      if constexpr (unpacks<Format>()) {
        if (tiles > 2) {
          auto* const out = reinterpret_cast<std::byte*>(args.scratch + kLeafFloats);
          Format::unpack({head, block, x, 0, nullptr, nullptr, 0, nullptr, blocks, 0}, out);
          unpacked = out;
        }
      }
      for (int64_t tile = 0; tile < tiles; tile++) {
        // Equal tiles: 9 tokens are 4 + 5, not 8 + 1.
        const int64_t begin = args.tokens * tile / tiles, stop = args.tokens * (tile + 1) / tiles;
        run_tile<Format>(stop - begin,
                         {head, block, x + (run.x_block + b) * args.tokens + begin, args.tokens,
                          args.scratch + leaf * leaf_step + begin * kStripRows, fetch,
                          fetch_parts << tile, unpacked, blocks, keep});
      }
      head += blocks * L::head;
      block += blocks * L::bytes;
      fetch += blocks * kFetched<L>;
    }
  }
}

template <class Lanes, class Format>
TROIKA_INLINE void multiply(const MatmulArgs& args) {
  const int64_t leaf_step = (args.tokens + 1) * kStripRows;
  for (int64_t strip = args.strip_begin; strip < args.strip_end; strip++) {
    run_strip<Format>(args, strip, leaf_step);
    finish_strip<Lanes>(args, strip, leaf_step);
  }
}

}  // namespace
}  // namespace troika::cpu
