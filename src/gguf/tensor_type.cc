// Ids of ggml.h that were removed, and of the fork ik_llama.cpp; their layouts are not guessed.
#include "gguf/tensor_type.h"

#include <fmt/format.h>

#include <string_view>

namespace troika::gguf {
namespace {

struct Known {
  uint32_t id;
  std::string_view name;
};

constexpr Known kRemoved[] = {{4, "q4_2, use q4_0"},          {5, "q4_3, use q4_1"},
                              {31, "q4_0_4_4, use q4_0"},     {32, "q4_0_4_8, use q4_0"},
                              {33, "q4_0_8_8, use q4_0"},     {36, "iq4_nl_4_4, use iq4_nl"},
                              {37, "iq4_nl_4_8, use iq4_nl"}, {38, "iq4_nl_8_8, use iq4_nl"}};

constexpr Known kOfForks[] = {{97, "q8_0_x4"}, {98, "q8_1_x4"}, {99, "q8_2_x4"},  {133, "q6_0"},
                              {134, "iq1_bn"}, {135, "iq2_bn"}, {136, "q8_k64"},  {137, "iq2_k"},
                              {138, "iq3_k"},  {139, "iq4_k"},  {140, "iq5_k"},   {141, "iq6_k"},
                              {144, "iq4_ks"}, {145, "iq2_ks"}, {146, "iq4_kss"}, {147, "q8_k16"},
                              {148, "q8_k32"}, {149, "q8_kr8"}, {150, "q8_k128"}, {151, "q8_kv"},
                              {152, "iq5_ks"}, {153, "iq2_kt"}, {154, "iq3_kt"},  {155, "iq4_kt"},
                              {156, "iq3_ks"}, {157, "iq2_kl"}, {158, "iq1_kt"}};

constexpr uint32_t kInterleavedFirst = 202;
constexpr uint32_t kInterleavedLast = 399;

}  // namespace

std::string explain_type(uint32_t id) {
  for (const Known& known : kRemoved)
    if (known.id == id) return fmt::format("removed from the format ({})", known.name);
  for (const Known& known : kOfForks)
    if (known.id == id)
      return fmt::format("{} of the fork ik_llama.cpp, want a type of mainline", known.name);
  if (id >= kInterleavedFirst && id <= kInterleavedLast)
    return "a row-interleaved type of the fork ik_llama.cpp, want a type of mainline";
  return "unknown";
}

}  // namespace troika::gguf
