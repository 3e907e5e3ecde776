// Looks up what the ops of a graph name: weights and states, checked against what the op wants.
#pragma once

#include "device/cpu/buffers.h"
#include "device/cpu/packed_matrix.h"
#include "device/cpu/weights.h"
#include "device/device.h"

namespace troika::cpu {

/// The vector, all rows() * inputs floats of it. Errors: invalid_argument — missing, imported for
/// another use or by another device, or of another shape.
Result<const VectorWeight*> find_vector(const Resources& resources, const Weight& weight);

/// The matrix of a product. Errors: as above.
Result<const PackedMatrix*> find_matrix(const Resources& resources, const Weight& weight);

/// The matrices of a product over experts. Errors: as above.
Result<const PackedExperts*> find_experts(const Resources& resources, const Weight& weight);

/// Any weight, for the op to see what it is. Errors: invalid_argument — missing.
Result<const ImportedWeight*> find_weight(const Resources& resources, const Weight& weight);

/// The buffer of a state with the sizes of `wanted`. Errors: invalid_argument — missing, another
/// device's, allocated with other sizes or options.
Result<const CpuBuffer*> find_state(const Resources& resources, State state,
                                    const StateSpec& wanted);

}  // namespace troika::cpu
