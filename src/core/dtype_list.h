// The one table of data types: X(name, GGUF type id, elements of a block, bytes of a block,
// decodes, encodes). `decodes` is 1 where quant/<name>.cc provides decode_<name>, `encodes` where
// it provides encode_<name>; everything else about a type is asked of this list. A new block format
// adds its files in quant/ and turns its row on here. Ids: ggml.h; layouts: docs of GGUF.
#pragma once

#define TROIKA_DTYPES(X)        \
  X(f32, 0, 1, 4, 1, 1)         \
  X(f16, 1, 1, 2, 1, 1)         \
  X(q4_0, 2, 32, 18, 1, 1)      \
  X(q4_1, 3, 32, 20, 1, 0)      \
  X(q5_0, 6, 32, 22, 1, 0)      \
  X(q5_1, 7, 32, 24, 1, 0)      \
  X(q8_0, 8, 32, 34, 1, 1)      \
  X(q8_1, 9, 32, 36, 0, 0)      \
  X(q2_k, 10, 256, 84, 1, 0)    \
  X(q3_k, 11, 256, 110, 1, 0)   \
  X(q4_k, 12, 256, 144, 1, 1)   \
  X(q5_k, 13, 256, 176, 1, 1)   \
  X(q6_k, 14, 256, 210, 1, 1)   \
  X(q8_k, 15, 256, 292, 0, 0)   \
  X(iq2_xxs, 16, 256, 66, 0, 0) \
  X(iq2_xs, 17, 256, 74, 0, 0)  \
  X(iq3_xxs, 18, 256, 98, 0, 0) \
  X(iq1_s, 19, 256, 50, 0, 0)   \
  X(iq4_nl, 20, 32, 18, 1, 0)   \
  X(iq3_s, 21, 256, 110, 0, 0)  \
  X(iq2_s, 22, 256, 82, 0, 0)   \
  X(iq4_xs, 23, 256, 136, 1, 0) \
  X(i8, 24, 1, 1, 0, 0)         \
  X(i16, 25, 1, 2, 0, 0)        \
  X(i32, 26, 1, 4, 0, 0)        \
  X(i64, 27, 1, 8, 0, 0)        \
  X(f64, 28, 1, 8, 0, 0)        \
  X(iq1_m, 29, 256, 56, 0, 0)   \
  X(bf16, 30, 1, 2, 1, 1)       \
  X(tq1_0, 34, 256, 54, 0, 0)   \
  X(tq2_0, 35, 256, 66, 0, 0)   \
  X(mxfp4, 39, 32, 17, 1, 0)    \
  X(nvfp4, 40, 64, 36, 0, 0)    \
  X(q1_0, 41, 128, 18, 0, 0)    \
  X(q2_0, 42, 64, 18, 0, 0)
