// A model of few numbers, for sums that can be checked on paper: an embedding tied to the output,
// one layer of attention and one feed-forward, all of Q8_0.
#pragma once

#include <utility>

#include "graph/sharding.h"
#include "model/model.h"

namespace troika::testing {

inline constexpr int64_t kPlannedHidden = 64, kPlannedFfn = 512, kPlannedVocab = 128;
inline constexpr int64_t kPlannedHeads = 8, kPlannedHeadDim = 32;  // as many KV heads
inline constexpr int64_t kPlannedInner = kPlannedHeads * kPlannedHeadDim;

/// Makes weights that sum over 8 leaves behind heads and behind the feed-forward.
struct PlannedModel {
  Model model;

  explicit PlannedModel(bool attention = true) {
    const Weight table = add(WeightUse::matmul_lookup, Axis::vocab, kPlannedVocab, 1,
                             kPlannedHidden, split_whole(kPlannedHidden));
    Graph& g = model.trunk;
    Tensor x = g.embed(table);
    if (attention) x = attend(x);
    const Tensor up = g.matmul(add(WeightUse::matmul, Axis::ffn, kPlannedFfn, 1, kPlannedHidden,
                                   split_whole(kPlannedHidden)),
                               x);
    x = g.matmul(add(WeightUse::matmul, Axis::hidden, 1, kPlannedHidden, kPlannedFfn,
                     split_contiguous(kPlannedFfn, 16, 32)),
                 up);
    const Tensor logits = g.matmul(table, g.gather_rows(x));
    g.output(Output::logits, logits);
    g.output(Output::argmax, g.argmax(logits));
    model.info = {.layers = 1, .hidden = kPlannedHidden, .vocab = kPlannedVocab};
    const Graph* const graphs[] = {&g};
    assign_sharing(graphs, model.weights);
  }

 private:
  Weight add(WeightUse use, Axis axis, int64_t units, int64_t width, int64_t inputs, Split split) {
    const Weight weight{.id = static_cast<int32_t>(model.weights.size()),
                        .axis = axis,
                        .units = units,
                        .width = width,
                        .inputs = inputs};
    model.weights.push_back({.name = "w",
                             .dtype = DType::q8_0,
                             .use = use,
                             .weight = weight,
                             .split = std::move(split)});
    return weight;
  }

  Tensor project(Tensor x, Axis axis) {
    return model.trunk.matmul(add(WeightUse::matmul, axis, kPlannedHeads, kPlannedHeadDim,
                                  kPlannedHidden, split_whole(kPlannedHidden)),
                              x);
  }

  Tensor attend(Tensor x) {
    Graph& g = model.trunk;
    model.states.push_back(
        {.name = "kv", .spec = KvState{kPlannedHeads, kPlannedHeadDim, kPlannedHeadDim}});
    const State kv{0};
    g.kv_write(project(x, Axis::kv_heads), project(x, Axis::kv_heads), kv);
    const Tensor heads = g.attention({.q = project(x, Axis::heads),
                                      .state = kv,
                                      .kv_heads = kPlannedHeads,
                                      .value_dim = kPlannedHeadDim,
                                      .scale = 1});
    return g.matmul(add(WeightUse::matmul, Axis::hidden, 1, kPlannedHidden, kPlannedInner,
                        split_contiguous(kPlannedInner, kPlannedHeads, 32)),
                    heads);
  }
};

}  // namespace troika::testing
