// Matrices as weight_words.h arranges them: rows of 32-bit words, 32 rows woven into a strip, so
// that 32 neighbouring invocations read one row each from neighbouring words.
const uint kF32 = 0;
const uint kF16 = 1;
const uint kBf16 = 2;
const uint kQ8_0 = 3;
const uint kQ4_K = 4;
const uint kQ6_K = 5;

layout(constant_id = 0) const uint kType = kF32;
const bool kBlocks = kType >= kQ8_0;
const uint kScaleColumns = kType == kQ6_K ? 16 : 32;  // that share a scale

// One row: word i is at[begin + 32 i].
struct Row {
  Words words;
  uint begin;
  uint inputs;
};

Row row_of(Words words, uint row_words, uint inputs, uint row) {
  return Row(words, (row >> 5) * row_words * 32 + (row & 31u), inputs);
}

uint word_of(Row row, uint i) {
  return row.words.at[row.begin + 32 * i];
}

// value = scale * q - least
struct Scale {
  float scale;
  float least;
};

uint byte_of(uint word, uint i) {
  return word >> 8 * i & 255u;
}

// Group g of the six-bit scales of a super-block: quant/k_scales.h.
uvec2 scale_and_least(uvec3 packed_bytes, uint g) {
  const uint at = g & 3u;
  const uint a = byte_of(packed_bytes.x, at);
  const uint b = byte_of(packed_bytes.y, at);
  const uint c = byte_of(packed_bytes.z, at);
  if (g < 4) return uvec2(a & 63u, b & 63u);
  return uvec2(c & 15u | a >> 6 << 4, c >> 4 | b >> 6 << 4);
}

// Of the kScaleColumns columns from k on, of formats with blocks.
Scale scale_of(Row row, uint k) {
  precise float scale = 0.0;
  precise float least = 0.0;
  if (kType == kQ8_0) {
    const uint block = k / 32;
    const uint two = word_of(row, row.inputs / 4 + block / 2);
    scale = half_to_float(two >> 16 * (block & 1u) & 0xffffu);
  } else if (kType == kQ4_K) {
    const uint begin = k / 256 * 36;
    const uint two = word_of(row, begin);
    const uvec3 packed_bytes =
        uvec3(word_of(row, begin + 1), word_of(row, begin + 2), word_of(row, begin + 3));
    const uvec2 six = scale_and_least(packed_bytes, k % 256 / 32);
    scale = half_to_float(two & 0xffffu) * float(six.x);
    least = half_to_float(two >> 16) * float(six.y);
  } else if (kType == kQ6_K) {
    const uint begin = k / 256 * 53;
    const uint group = k % 256 / 16;
    const int eight = bitfieldExtract(int(word_of(row, begin + 48 + group / 4)),
                                      int(8 * (group & 3u)), 8);
    scale = half_to_float(word_of(row, begin + 52) & 0xffffu) * float(eight);
  }
  return Scale(scale, least);
}

vec4 bytes_to_floats(uint word) {
  return vec4(byte_of(word, 0), byte_of(word, 1), byte_of(word, 2), byte_of(word, 3));
}

// Columns k .. k + 3, k a multiple of 4, before their scale: formats with blocks.
vec4 four_of(Row row, uint k) {
  if (kType == kQ8_0) {
    const int word = int(word_of(row, k / 4));
    return vec4(bitfieldExtract(word, 0, 8), bitfieldExtract(word, 8, 8),
                bitfieldExtract(word, 16, 8), bitfieldExtract(word, 24, 8));
  }
  const uint i = k % 256;
  const uint lane = i % 32 / 4;
  if (kType == kQ4_K) {
    const uint group = i / 32;
    const uint word = word_of(row, k / 256 * 36 + 4 + group / 2 * 8 + lane);
    return bytes_to_floats(word >> 4 * (group & 1u) & 0x0f0f0f0fu);
  }
  const uint begin = k / 256 * 53;
  const uint upper = i / 128;
  const uint quarter = i % 128 / 32;
  const uint low = word_of(row, begin + upper * 16 + (quarter & 1u) * 8 + lane);
  const uint high = word_of(row, begin + 32 + upper * 8 + lane);
  const uint six = (low >> 4 * (quarter >> 1) & 0x0f0f0f0fu) |
                   (high >> 2 * quarter & 0x03030303u) << 4;
  return bytes_to_floats(six) - 32.0;
}

// Column k of formats without blocks.
float plain_of(Row row, uint k) {
  if (kType == kF32) return uintBitsToFloat(word_of(row, k));
  const uint half_word = word_of(row, k / 2) >> 16 * (k & 1u) & 0xffffu;
  return kType == kF16 ? half_to_float(half_word) : bfloat_to_float(half_word);
}

// Column k of any format.
float column_of(Row row, uint k) {
  if (!kBlocks) return plain_of(row, k);
  const Scale scale = scale_of(row, k);
  precise float value = scale.scale * four_of(row, k & ~3u)[k & 3u] - scale.least;
  return value;
}
