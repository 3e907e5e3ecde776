// The ways from file blocks into the layouts of kernels/matmul_layouts.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace troika::cpu {

/// Packs `blocks` neighbouring blocks of 16 rows. rows[r] is the first of them in the file's
/// format; `head` and `body` are where the first goes, every byte of both is written.
using PackBlocks = void (*)(const std::byte* const* rows, int64_t blocks, std::byte* head,
                            std::byte* body);

void pack_f32(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body);
void pack_float16(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body);
void pack_q4_0(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body);
void pack_q8_0(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body);
void pack_q4_k(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body);
void pack_q5_k(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body);
void pack_q6_k(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body);
void pack_q3_k(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body);
void pack_iq4_xs(const std::byte* const* rows, int64_t blocks, std::byte* head, std::byte* body);

}  // namespace troika::cpu
