#include "core/cpu_features.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace troika {
namespace {

#if defined(__x86_64__)
/// Conversions of halves, which clang 14's builtin does not know by name.
bool has_f16c() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
#endif

constexpr std::array<std::string_view, kIsas.size()> kNames = {"portable", "avx2", "avx512"};

}  // namespace

std::string_view isa_name(Isa isa) {
  return kNames[static_cast<size_t>(isa)];
}

std::optional<Isa> parse_isa(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); i++)
    if (kNames[i] == name) return static_cast<Isa>(i);
  return std::nullopt;
}

bool CpuFeatures::has(Isa isa) const {
  switch (isa) {
    case Isa::avx2:
      return avx2;
    case Isa::avx512:
      return avx512;
    case Isa::portable:
      break;
  }
  return true;
}

Isa CpuFeatures::best(Isa cap) const {
  Isa best = Isa::portable;
  for (Isa isa : kIsas)
    if (isa <= cap && has(isa)) best = isa;
  return best;
}

CpuFeatures detect_cpu_features() {
  CpuFeatures features;
#if defined(__x86_64__)
  __builtin_cpu_init();
  // The builtin also asks XGETBV whether the system saves the registers.
  features.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c() &&
                  __builtin_cpu_supports("bmi2");
  features.avx512 = features.avx2 && __builtin_cpu_supports("avx512f") &&
                    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
                    __builtin_cpu_supports("avx512vnni");
#endif
  return features;
}

}  // namespace troika
