// Which instruction sets this machine offers, asked once at start.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace troika {

/// Instruction sets that kernels are built for; a later one includes the earlier ones.
enum class Isa : uint8_t {
  portable,  // what the compiler's baseline has
  avx512     // AVX-512 F, BW, DQ, VL, VBMI and VNNI, FMA, F16C; BF16 is not part of it
};

/// The name in messages and options: "portable", "avx512".
std::string_view isa_name(Isa isa);

/// The set called `name`, or nothing.
std::optional<Isa> parse_isa(std::string_view name);

/// What the processor can do and the operating system saves on a task switch.
struct CpuFeatures {
  bool avx512 = false;  // all that Isa::avx512 names

  /// The best set, at most `cap`.
  Isa best(Isa cap = Isa::avx512) const;
};

/// Asks the processor. Cost: some CPUID instructions.
CpuFeatures detect_cpu_features();

}  // namespace troika
