#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

namespace troika {
namespace {

/// Per-pair divisors of the angle, as Llama 3 files carry them; ones where the file has none.
Result<std::vector<double>> read_factors(const Keys& keys, int64_t pairs) {
  std::vector<double> factors(static_cast<size_t>(pairs), 1.0);
  const gguf::TensorInfo* tensor = keys.file().find("rope_freqs.weight");
  if (tensor == nullptr) return factors;
  if (tensor->dtype != DType::f32 || tensor->elements() != pairs)
    return fail(ErrorCode::corrupt,
                "{}: tensor rope_freqs.weight holds {} values of type {}, wanted {} of f32",
                keys.file().name(), tensor->elements(), dtype_info(tensor->dtype).name, pairs);
  for (size_t i = 0; i < factors.size(); i++) {
    float factor = 0;
    std::memcpy(&factor, tensor->data.data() + i * sizeof factor, sizeof factor);
    if (!(factor > 0) || !std::isfinite(factor))
      return fail(ErrorCode::corrupt, "{}: rope_freqs.weight[{}] is {}, wanted a number above 0",
                  keys.file().name(), i, factor);
    factors[i] = factor;
  }
  return factors;
}

struct Yarn {
  double factor = 1;
  double base = 0;
  double trained_length = 0;
  double beta_fast = 32;
  double beta_slow = 1;
};

/// The pair index at which a wave turns `beta` times over the trained length. arXiv 2309.00071,
/// section 3.2.
double yarn_pair(const Yarn& y, int64_t dims, double beta) {
  return static_cast<double>(dims) * std::log(y.trained_length / (beta * 2 * std::numbers::pi)) /
         (2 * std::log(y.base));
}

void apply_yarn(const Yarn& y, RopeOptions& rope) {
  const auto dims = static_cast<double>(rope.dims());
  const double low = std::max(0.0, std::floor(yarn_pair(y, rope.dims(), y.beta_fast)));
  const double high = std::min(dims - 1, std::ceil(yarn_pair(y, rope.dims(), y.beta_slow)));
  for (size_t i = 0; i < rope.frequencies.size(); i++) {
    const double ramp =
        std::clamp((static_cast<double>(i) - low) / std::max(0.001, high - low), 0.0, 1.0);
    rope.frequencies[i] *= (1 - ramp) + ramp / y.factor;
  }
  if (y.factor > 1) rope.magnitude *= static_cast<float>(1 + 0.1 * std::log(y.factor));
}

Result<Yarn> read_yarn(const Keys& keys, double base, double factor) {
  Yarn y{.factor = factor, .base = base};
  TROIKA_TRY(const int64_t context, keys.count("context_length", INT32_MAX));
  TROIKA_TRY(const int64_t trained,
             keys.count_or("rope.scaling.original_context_length", context, INT32_MAX));
  y.trained_length = static_cast<double>(trained);
  TROIKA_TRY(y.beta_fast, keys.positive_or("rope.scaling.yarn_beta_fast", y.beta_fast));
  TROIKA_TRY(y.beta_slow, keys.positive_or("rope.scaling.yarn_beta_slow", y.beta_slow));
  return y;
}

}  // namespace

Result<RopeOptions> read_rope(const Keys& keys, int64_t dims, RopePairs pairs) {
  if (dims % 2 != 0)
    return fail(ErrorCode::corrupt, "{}: {}.rope.dimension_count is {}, wanted an even number",
                keys.file().name(), keys.architecture(), dims);
  RopeOptions rope{.pairs = pairs, .frequencies = {}, .magnitude = 1};
  TROIKA_TRY(const double base, keys.positive_or("rope.freq_base", 10000));
  TROIKA_TRY(const std::vector<double> factors, read_factors(keys, dims / 2));
  for (int64_t i = 0; i < dims / 2; i++)
    rope.frequencies.push_back(
        std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(dims)) /
        factors[static_cast<size_t>(i)]);

  TROIKA_TRY(const std::string scaling, keys.text_or("rope.scaling.type", "linear"));
  const bool has_factor = keys.has("rope.scaling.factor");
  TROIKA_TRY(const double factor,
             keys.positive_or(has_factor ? "rope.scaling.factor" : "rope.scale_linear", 1));
  TROIKA_TRY(const double attention_factor, keys.positive_or("rope.scaling.attn_factor", 1));
  rope.magnitude = static_cast<float>(attention_factor);
  if (scaling == "yarn") {
    TROIKA_TRY(const Yarn yarn, read_yarn(keys, base, factor));
    apply_yarn(yarn, rope);
  } else if (scaling == "linear") {
    for (double& frequency : rope.frequencies) frequency /= factor;
  } else if (scaling != "none") {
    return fail(ErrorCode::unsupported,
                "{}: {}.rope.scaling.type is \"{}\", supported are none, linear, yarn",
                keys.file().name(), keys.architecture(), scaling);
  }
  return rope;
}

}  // namespace troika
