// What the two products over experts share: which experts, in which strips, over which pieces.
#pragma once

#include <cstring>
#include <span>

#include "device/cpu/expert_jobs.h"
#include "device/cpu/layouts.h"

namespace troika::cpu {

struct ExpertProduct {
  ExpertProduct(const PackedExperts& matrices, const Routing& route, Slot pieces,
                int64_t pairs_of_piece)
      : experts(matrices),
        routing(route),
        activations(pieces),
        pairs_per_piece(pairs_of_piece),
        strips(matrices[0].strips()),
        kind(activations_of(matrices[0])),
        piece_stride(piece_bytes(kind, matrices[0].columns())) {}

  int64_t used() const { return routing.chosen.spec.units; }
  /// Chosen experts of all rows of the step.
  int64_t pairs(const Step& step) const { return step.rows(routing.chosen.spec.rows) * used(); }
  /// Whether few rows share an expert.
  bool few(const Step& step) const { return pairs(step) <= experts.experts(); }
  /// Multiply-adds of one pair.
  int64_t work() const { return experts[0].rows() * experts[0].columns(); }
  /// The weight and the expert of chosen expert `pair`, counted over all rows.
  float weight(const Step& step, int64_t pair) const { return choice(step, pair)[1]; }
  int64_t expert(const Step& step, int64_t pair) const {
    return static_cast<int64_t>(*choice(step, pair));
  }
  const std::byte* piece(const Step& step, int64_t pair) const {
    return step.bytes(activations) + pair / pairs_per_piece * piece_stride;
  }

  /// Bytes of the pieces of a whole chunk.
  int64_t chunk_bytes() const { return activation_bytes(kind, experts.columns(), kChunkTokens); }
  /// The pieces of at most kChunkTokens pairs as kernels/matmul.h wants them: [block][token].
  void gather(const Step& step, std::span<const int64_t> chunk, std::byte* x) const {
    const auto bytes = static_cast<size_t>(activation_block_bytes(kind));
    const auto blocks = static_cast<size_t>(activation_bytes(kind, experts.columns(), 1)) / bytes;
    for (size_t i = 0; i < chunk.size(); i++) {
      const std::byte* const from = piece(step, chunk[i]);
      for (size_t block = 0; block < blocks; block++)
        std::memcpy(x + (block * chunk.size() + i) * bytes, from + block * bytes, bytes);
    }
  }

  const PackedExperts& experts;
  Routing routing;
  Slot activations;
  int64_t pairs_per_piece;
  int64_t strips;
  Activations kind;
  int64_t piece_stride;

 private:
  const float* choice(const Step& step, int64_t pair) const {
    return step.floats(routing.chosen.id) + 2 * pair;
  }
};

}  // namespace troika::cpu
