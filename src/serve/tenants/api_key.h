// API keys: made here, shown once, known afterwards by their hashes alone.
//
// A key is 256 random bits, so its plain SHA-256 is as hard to turn round as the key is to guess
// (2^256 either way); salts and slow hashes defend passwords that people choose, and would cost
// each request what they cost an attacker. A request is found by the digest of what it brought:
// who tries keys cannot choose digests, so what a lookup takes tells nothing of the keys there are;
// the digests themselves are compared in constant time all the same.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace troika::serve {

/// Longer ones are none of ours, and are not hashed.
inline constexpr size_t kKeyBytesMax = 256;

/// SHA-256 of a key.
struct KeyDigest {
  std::array<uint8_t, 32> bytes{};

  /// In constant time.
  bool operator==(const KeyDigest& other) const;

  /// 64 digits, as the tenants file has it.
  std::string hex() const;

  /// Names the key in lists and logs: the first 8 digits, which say nothing of the key.
  std::string id() const { return hex().substr(0, 8); }
};

/// One of a tenant's keys.
struct KeyRecord {
  KeyDigest digest;
  std::string created;  // "2026-11-20"; may be empty

  bool operator==(const KeyRecord&) const = default;
};

/// A key that was just made. `text` is shown once and kept nowhere.
struct NewKey {
  std::string text;  // "trk_" and 43 characters of base64url
  KeyRecord record;
};

/// @param today  "2026-11-20". Errors: internal — the system gives no random numbers.
Result<NewKey> make_key(std::string_view today);

/// Cost: under a microsecond. Thread: any.
KeyDigest digest_of(std::string_view key);

/// Errors: invalid_argument — not 64 digits of hexadecimal.
Result<KeyDigest> parse_digest(std::string_view hex);

}  // namespace troika::serve
