// Causal convolution and gated delta rule. Both walk a sequence alike: start (fresh, or the state
// of the slot), replay logged tokens, take the certain rows, write the state, log the rest.
//
// Everything that enters a state or a log is rounded to float32 before it is used, by the token
// that makes it: a token has then the same effect whether it is certain, logged, or replayed.
#include <algorithm>
#include <cmath>
#include <vector>

#include "device/reference/ops.h"
#include "device/reference/state_layout.h"

namespace troika::reference {
namespace {

/// Walks the spans of a recurrent op. `Layer` has: reset(), load(unit), save(unit),
/// replay(log entry), and advance(row, log entry or null), all on one working state.
template <typename Layer>
Status walk(Step& step, State state, Layer& layer) {
  const StateShape& shape = step.state_shape(state);
  const int64_t log_tokens = shape.options.log_tokens;
  const int64_t log_floats = state_log_bytes(shape.spec) / 4;
  TROIKA_TRY(const auto spans, step.spans(Rows::tokens));
  for (const Span& span : spans) {
    const int64_t unverified = span.rows - span.certain;
    if (span.certain < 0 || unverified < 0 || unverified > log_tokens || span.replay < 0 ||
        span.replay > log_tokens || (span.fresh != 0 && span.replay > 0))
      return fail(ErrorCode::invalid_argument,
                  "{} rows, {} of them certain, {} to replay{}: the log holds {}", span.rows,
                  span.certain, span.replay, span.fresh != 0 ? " into a fresh state" : "",
                  log_tokens);
    TROIKA_TRY(std::byte* const bytes, step.state_unit(state, span.state_slot));
    float* const unit = floats(bytes);
    float* const log = unit + state_unit_bytes(shape.spec, {shape.options.kv_dtype, 0}) / 4;
    layer.load(unit);
    if (span.fresh != 0) layer.reset();
    for (int64_t i = 0; i < span.replay; i++) layer.replay(log + i * log_floats);
    for (int64_t i = 0; i < span.certain; i++) layer.advance(span.row_begin + i, nullptr);
    layer.save(unit);
    for (int64_t i = 0; i < unverified; i++)
      layer.advance(span.row_begin + span.certain + i, log + i * log_floats);
  }
  return ok();
}

/// The last inputs of each channel, the newest at the end.
class ConvLayer {
 public:
  ConvLayer(Step& step, const CausalConv& op, const Tensor& y)
      : step_(step),
        op_(op),
        y_(y),
        taps_(op.taps.inputs),
        channels_(op.x.spec.elements()),
        window_(static_cast<size_t>(taps_ * channels_)) {}

  void reset() { std::ranges::fill(window_, 0.0F); }
  // The window has one place more than the state: the oldest is about to be pushed out.
  void load(const float* unit) { std::copy_n(unit, (taps_ - 1) * channels_, at(1)); }
  void save(float* unit) { std::copy_n(at(1), (taps_ - 1) * channels_, unit); }
  void replay(const float* entry) {
    std::copy(at(1), at(taps_), at(0));
    std::copy_n(entry, channels_, at(taps_ - 1));
  }
  void advance(int64_t row, float* entry) {
    std::vector<float> input(static_cast<size_t>(channels_));
    round_to(step_.row(op_.x, row), input.data(), channels_);
    if (entry != nullptr) std::ranges::copy(input, entry);
    replay(input.data());
    const FloatMatrix& weights = step_.weight(op_.taps);
    for (int64_t c = 0; c < channels_; c++) {
      double sum = 0;
      for (int64_t j = 0; j < taps_; j++)
        sum += static_cast<double>(weights.row(c)[j]) * static_cast<double>(at(j)[c]);
      step_.row(y_, row)[c] = silu(sum);
    }
  }

 private:
  float* at(int64_t place) { return window_.data() + place * channels_; }

  Step& step_;
  const CausalConv& op_;
  const Tensor& y_;
  int64_t taps_;
  int64_t channels_;
  std::vector<float> window_;  // [taps, channels]
};

double softplus(double x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

/// The matrices of all heads, [heads, value_dim, key_dim].
class DeltaLayer {
 public:
  DeltaLayer(Step& step, const GatedDeltaRule& op, const Tensor& y)
      : step_(step),
        op_(op),
        y_(y),
        heads_(op.v.spec.units),
        key_dim_(op.k.spec.width),
        value_dim_(op.v.spec.width),
        state_(static_cast<size_t>(heads_ * value_dim_ * key_dim_)) {}

  void reset() { std::ranges::fill(state_, 0.0F); }
  void load(const float* unit) { std::copy_n(unit, state_.size(), state_.data()); }
  void save(float* unit) const { std::ranges::copy(state_, unit); }
  void replay(const float* entry) {
    for (int64_t head = 0; head < heads_; head++) update(head, entry + head * entry_floats());
  }
  void advance(int64_t row, float* entry) {
    std::vector<float> scratch(static_cast<size_t>(heads_ * entry_floats()));
    float* const log = entry != nullptr ? entry : scratch.data();
    for (int64_t head = 0; head < heads_; head++) {
      float* const mine = log + head * entry_floats();
      make_entry(row, head, mine);
      update(head, mine);
      read_out(row, head);
    }
  }

 private:
  int64_t entry_floats() const { return 1 + key_dim_ + value_dim_; }
  float* matrix(int64_t head) { return state_.data() + head * value_dim_ * key_dim_; }
  int64_t key_head(int64_t head) const { return head % op_.k.spec.units; }

  /// What one token does to one head: decay, key and value delta.
  void make_entry(int64_t row, int64_t head, float* entry) {
    const double a = step_.weight(op_.a).values[static_cast<size_t>(head)];
    const double bias = step_.weight(op_.decay_bias).values[static_cast<size_t>(head)];
    const double decay = std::exp(a * softplus(step_.row(op_.decay_in, row)[head] + bias));
    const double beta = sigmoid(step_.row(op_.beta_in, row)[head]);
    const double* v = step_.row(op_.v, row) + head * value_dim_;
    float* const key = entry + 1;
    float* const delta = key + key_dim_;
    entry[0] = static_cast<float>(decay);
    round_to(step_.row(op_.k, row) + key_head(head) * key_dim_, key, key_dim_);
    for (int64_t j = 0; j < value_dim_; j++) {
      double known = 0;
      for (int64_t i = 0; i < key_dim_; i++)
        known += static_cast<double>(entry[0]) *
                 static_cast<double>(matrix(head)[j * key_dim_ + i]) * static_cast<double>(key[i]);
      delta[j] = static_cast<float>(beta * (v[j] - known));
    }
  }

  /// M = decay M + delta key^T
  void update(int64_t head, const float* entry) {
    const double decay = entry[0];
    const float* const key = entry + 1;
    const float* const delta = key + key_dim_;
    for (int64_t j = 0; j < value_dim_; j++)
      for (int64_t i = 0; i < key_dim_; i++) {
        float& m = matrix(head)[j * key_dim_ + i];
        m = static_cast<float>(decay * static_cast<double>(m) +
                               static_cast<double>(delta[j]) * static_cast<double>(key[i]));
      }
  }

  /// o = M q
  void read_out(int64_t row, int64_t head) {
    const double* q = step_.row(op_.q, row) + key_head(head) * key_dim_;
    double* o = step_.row(y_, row) + head * value_dim_;
    for (int64_t j = 0; j < value_dim_; j++)
      for (int64_t i = 0; i < key_dim_; i++)
        o[j] += static_cast<double>(matrix(head)[j * key_dim_ + i]) * q[i];
  }

  Step& step_;
  const GatedDeltaRule& op_;
  const Tensor& y_;
  int64_t heads_;
  int64_t key_dim_;
  int64_t value_dim_;
  std::vector<float> state_;
};

}  // namespace

Status compute(Step& step, const CausalConv& op, const Tensor& y) {
  ConvLayer layer(step, op, y);
  return walk(step, op.state, layer);
}

Status compute(Step& step, const GatedDeltaRule& op, const Tensor& y) {
  DeltaLayer layer(step, op, y);
  return walk(step, op.state, layer);
}

}  // namespace troika::reference
