#version 460
#extension GL_GOOGLE_include_directive : require
// The experts of a row, best first, with their weights: a group for each row (graph/ops/moe.h).
#include "memory.glsl"
#include "numbers.glsl"

const uint kSoftmax = 0;
const uint kSigmoid = 1;
const uint kSoftmaxChosen = 2;
const uint kExpertsMax = 512;
const uint kLanes = 64;
const float kChosenSumMin = 6.103515625e-5;  // 2^-14
layout(constant_id = 0) const uint kGating = kSoftmax;
layout(local_size_x = 64) in;

layout(push_constant) uniform Push {
  Floats logits;
  Floats bias;
  Floats y;
  uint rows;
  uint experts;
  uint used;
  uint groups;
  uint groups_used;
  uint normalise;
  uint biased;
  float scale;
};

shared float scores[kExpertsMax];
shared float selection[kExpertsMax];  // what is chosen by
shared uint barred[kExpertsMax];
shared float group_sums[kExpertsMax];
shared float lane_values[kLanes];
shared int lane_places[kLanes];
shared int chosen[kExpertsMax];

void score(uint row, uint lane) {
  float largest = logits.at[row * experts];
  for (uint i = 1; i < experts; i++) largest = max(largest, logits.at[row * experts + i]);
  for (uint i = lane; i < experts; i += kLanes) {
    const float logit = logits.at[row * experts + i];
    scores[i] = kGating == kSoftmax   ? exp_of(logit - largest)
                : kGating == kSigmoid ? sigmoid_of(logit)
                                      : logit;
  }
  barrier();
  precise float sum = 0.0;
  for (uint i = 0; i < experts; i++) sum = sum + scores[i];
  barrier();
  for (uint i = lane; i < experts; i += kLanes) {
    precise float value = kGating == kSoftmax ? scores[i] / sum : scores[i];
    precise float chosen_by = value;
    if (biased == 1) chosen_by = value + bias.at[i];
    scores[i] = value;
    selection[i] = chosen_by;
    barred[i] = 0;
  }
  barrier();
}

// Bars the experts of all groups but those whose two best have the largest sums.
void bar_groups(uint lane) {
  const uint size = experts / groups;
  for (uint group = lane; group < groups; group += kLanes) {
    float best = selection[group * size];
    float second = 0.0;
    for (uint i = 1; i < size; i++) {
      const float value = selection[group * size + i];
      second = i == 1 ? min(best, value) : max(second, min(best, value));
      best = max(best, value);
    }
    precise float sum = best + second;
    group_sums[group] = sum;
  }
  barrier();
  // A group is used if fewer than groups_used stand before it.
  for (uint i = lane; i < experts; i += kLanes) {
    const uint mine = i / size;
    uint before = 0;
    for (uint group = 0; group < groups; group++)
      if (group_sums[group] > group_sums[mine] ||
          (group_sums[group] == group_sums[mine] && group < mine))
        before++;
    barred[i] = before < groups_used ? 0 : 1;
  }
  barrier();
}

// The place of the largest that is not barred, the lowest among equals.
int best_of_all(uint lane) {
  int place = -1;
  float value = 0.0;
  for (uint i = lane; i < experts; i += kLanes)
    if (barred[i] == 0 && (place < 0 || selection[i] > value)) {
      place = int(i);
      value = selection[i];
    }
  lane_places[lane] = place;
  lane_values[lane] = value;
  barrier();
  place = -1;
  for (uint i = 0; i < kLanes; i++) {
    const int other = lane_places[i];
    const bool wins = place < 0 || lane_values[i] > value ||
                      (lane_values[i] == value && other < place);
    if (other < 0 || !wins) continue;
    place = other;
    value = lane_values[i];
  }
  barrier();
  return max(place, 0);
}

void main() {
  const uint row = group_number();
  const uint lane = gl_LocalInvocationID.x;
  if (row >= rows) return;
  score(row, lane);
  if (groups > 1) bar_groups(lane);
  for (uint rank = 0; rank < used; rank++) {
    const int best = best_of_all(lane);
    chosen[rank] = best;
    barred[best] = 1;
    barrier();
  }
  float largest = scores[chosen[0]];
  for (uint rank = 1; rank < used; rank++) largest = max(largest, scores[chosen[rank]]);
  precise float all = 0.0;
  for (uint rank = 0; rank < used; rank++) {
    const float value = scores[chosen[rank]];
    all = all + (kGating == kSoftmaxChosen ? exp_of(value - largest) : value);
  }
  precise float sum = 0.0;
  for (uint rank = 0; rank < used; rank++) {
    const float value = scores[chosen[rank]];
    sum = sum + (kGating == kSoftmaxChosen ? exp_of(value - largest) / all : value);
  }
  for (uint rank = lane; rank < used; rank += kLanes) {
    const float value = scores[chosen[rank]];
    precise float weight = kGating == kSoftmaxChosen ? exp_of(value - largest) / all : value;
    if (normalise == 1) weight = weight / max(sum, kChosenSumMin);
    weight = weight * scale;
    y.at[2 * (row * used + rank)] = float(chosen[rank]);
    y.at[2 * (row * used + rank) + 1] = weight;
  }
}
