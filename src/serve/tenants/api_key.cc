#include "serve/tenants/api_key.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <span>

#include "core/printable.h"

namespace troika::serve {
namespace {

constexpr std::string_view kPrefix = "trk_";

std::string base64url(std::span<const uint8_t> bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  uint32_t bits = 0;
  int held = 0;
  for (const uint8_t byte : bytes) {
    bits = (bits << 8) | byte;
    for (held += 8; held >= 6; held -= 6) text += kDigits[(bits >> (held - 6)) & 63];
  }
  if (held > 0) text += kDigits[(bits << (6 - held)) & 63];
  return text;
}

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace

bool KeyDigest::operator==(const KeyDigest& other) const {
  return CRYPTO_memcmp(bytes.data(), other.bytes.data(), bytes.size()) == 0;
}

std::string KeyDigest::hex() const {
  std::string text;
  for (const uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

Result<NewKey> make_key(std::string_view today) {
  std::array<uint8_t, 32> bits{};
  if (RAND_bytes(bits.data(), static_cast<int>(bits.size())) != 1)
    return fail(ErrorCode::internal, "the system gives no random numbers for a key");
  NewKey key;
  key.text = std::string(kPrefix) + base64url(bits);
  key.record = {digest_of(key.text), std::string(today)};
  OPENSSL_cleanse(bits.data(), bits.size());
  return key;
}

KeyDigest digest_of(std::string_view key) {
  KeyDigest digest;
  SHA256(reinterpret_cast<const uint8_t*>(key.data()), key.size(), digest.bytes.data());
  return digest;
}

Result<KeyDigest> parse_digest(std::string_view hex) {
  KeyDigest digest;
  bool sound = hex.size() == 2 * digest.bytes.size();
  for (size_t i = 0; sound && i < digest.bytes.size(); i++) {
    const int high = hex_value(hex[2 * i]);
    const int low = hex_value(hex[2 * i + 1]);
    sound = high >= 0 && low >= 0;
    if (sound) digest.bytes[i] = static_cast<uint8_t>(high * 16 + low);
  }
  if (sound) return digest;
  return fail(ErrorCode::invalid_argument, "\"{}\", wanted a SHA-256 of 64 hexadecimal digits",
              printable(hex));
}

}  // namespace troika::serve
