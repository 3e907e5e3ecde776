// The kernels of one instruction set, side by side. Chosen once, when the device is made.
#pragma once

#include "core/cpu_features.h"
#include "device/cpu/kernels/argmax.h"
#include "device/cpu/kernels/attention.h"
#include "device/cpu/kernels/conv.h"
#include "device/cpu/kernels/delta.h"
#include "device/cpu/kernels/elementwise.h"
#include "device/cpu/kernels/matmul.h"
#include "device/cpu/kernels/moe.h"
#include "device/cpu/kernels/norm.h"
#include "device/cpu/kernels/rope.h"

namespace troika::cpu {

struct KernelTable {
  Isa isa;
  ElementwiseKernels elementwise;
  NormKernels norm;
  RopeKernels rope;
  AttentionKernels attention;
  ConvKernels conv;
  DeltaKernels delta;
  ArgmaxKernels argmax;
  MoeKernels moe;
  MatmulKernels matmul;
};

/// The table of `isa`, which this machine must have.
KernelTable kernel_table(Isa isa);

}  // namespace troika::cpu
