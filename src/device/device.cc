#include "device/device.h"

namespace troika {

Status check_counts(const Bindings& bindings, const Sizes& sizes) {
  struct Count {
    std::string_view name;
    int64_t count;
    int64_t largest;
  };
  for (const Count& c : {Count{"tokens", bindings.tokens, sizes.tokens},
                         Count{"outputs", bindings.outputs, sizes.outputs},
                         Count{"sequences", bindings.sequences, sizes.sequences},
                         Count{"output sequences", bindings.output_sequences, sizes.sequences}})
    if (c.count < 0 || c.count > c.largest)
      return fail(ErrorCode::invalid_argument, "{} {}, compiled for 0 to {}", c.count, c.name,
                  c.largest);
  return ok();
}

int64_t Device::weight_bytes(const WeightInfo& weight) const {
  return dtype_bytes(weight.dtype, weight.weight.rows() * weight.weight.inputs);
}

}  // namespace troika
