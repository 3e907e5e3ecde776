// Which instruction sets this machine offers, asked once at start.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace troika {

/// Instruction sets that kernels are built for; a later one includes the earlier ones.
enum class Isa : uint8_t {
  portable,  // what the compiler's baseline has
  avx2,      // AVX2, BMI2, FMA, F16C
  avx512     // AVX-512 F, BW, DQ, VL, VBMI and VNNI, FMA, F16C; BF16 is not part of it
};

/// All of them, the plainest first.
inline constexpr std::array kIsas = {Isa::portable, Isa::avx2, Isa::avx512};

/// The name in messages and options: "portable", "avx2", "avx512".
std::string_view isa_name(Isa isa);

/// The set called `name`, or nothing.
std::optional<Isa> parse_isa(std::string_view name);

/// What the processor can do and the operating system saves on a task switch.
struct CpuFeatures {
  bool avx2 = false;    // all that Isa::avx2 names
  bool avx512 = false;  // all that Isa::avx512 names

  /// Whether kernels of `isa` run here.
  bool has(Isa isa) const;

  /// The best set, at most `cap`.
  Isa best(Isa cap = Isa::avx512) const;
};

/// Asks the processor. Cost: some CPUID instructions.
CpuFeatures detect_cpu_features();

}  // namespace troika
