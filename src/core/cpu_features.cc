#include "core/cpu_features.h"

#include <array>

namespace troika {
namespace {

constexpr std::array<std::string_view, 2> kNames = {"portable", "avx512"};

}  // namespace

std::string_view isa_name(Isa isa) {
  return kNames[static_cast<size_t>(isa)];
}

std::optional<Isa> parse_isa(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); i++)
    if (kNames[i] == name) return static_cast<Isa>(i);
  return std::nullopt;
}

Isa CpuFeatures::best(Isa cap) const {
  return avx512 && cap >= Isa::avx512 ? Isa::avx512 : Isa::portable;
}

CpuFeatures detect_cpu_features() {
  CpuFeatures features;
#if defined(__x86_64__)
  __builtin_cpu_init();
  // The builtin also asks XGETBV whether the system saves the registers.
  features.avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                    __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni") &&
                    __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
#endif
  return features;
}

}  // namespace troika
