// A page of keys and values. Two numbers of a head's row are a pair: one word as f16 or bf16, two
// as f32. Keys are [kv_heads, key_dim, 64 tokens], so that neighbouring invocations, each with a
// key of its own, read neighbouring words; values are [kv_heads, 64 tokens, value_dim].
const uint kHalf = 0;
const uint kBfloat = 1;
const uint kFloat = 2;
const uint kPageTokens = 64;

layout(constant_id = 0) const uint kKvType = kHalf;
const uint kPairWords = kKvType == kFloat ? 2 : 1;

// The word of a pair, and how far behind it the second word of an f32 pair is.
uint key_word(uint head, uint key_dim, uint pair, uint token) {
  return (head * key_dim / 2 + pair) * kPairWords * kPageTokens + token;
}
uint value_word(uint head, uint heads, uint key_dim, uint value_dim, uint pair, uint token) {
  const uint keys = heads * key_dim / 2 * kPairWords * kPageTokens;
  return keys + ((head * kPageTokens + token) * value_dim / 2 + pair) * kPairWords;
}

vec2 load_pair(Words words, uint at, uint second) {
  const uint word = words.at[at];
  if (kKvType == kFloat) return uintBitsToFloat(uvec2(word, words.at[at + second]));
  if (kKvType == kHalf) return vec2(half_to_float(word & 0xffffu), half_to_float(word >> 16));
  return vec2(bfloat_to_float(word & 0xffffu), bfloat_to_float(word >> 16));
}

void store_pair(Words words, uint at, uint second, vec2 pair) {
  if (kKvType == kFloat) {
    words.at[at] = floatBitsToUint(pair.x);
    words.at[at + second] = floatBitsToUint(pair.y);
  } else if (kKvType == kHalf) {
    words.at[at] = float_to_half(pair.x) | float_to_half(pair.y) << 16;
  } else {
    words.at[at] = float_to_bfloat(pair.x) | float_to_bfloat(pair.y) << 16;
  }
}

const uint kSecondKey = kPageTokens;
const uint kSecondValue = 1;
