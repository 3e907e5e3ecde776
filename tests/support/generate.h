// Writes one text with the engine and tells everything that must be equal from run to run.
#pragma once

#include <gtest/gtest.h>
#include <xxhash.h>

#include <memory>
#include <utility>
#include <vector>

#include "engine/engine.h"

namespace troika::testing {

struct Written {
  std::vector<TokenId> tokens;  // the answer
  uint64_t logits_xxh64 = 0;    // over every row that chose a token, in order
  DraftStatistics drafts;
  int64_t cached_tokens = 0;  // of the prompt
  bool operator==(const Written& other) const {
    return tokens == other.tokens && logits_xxh64 == other.logits_xxh64;
  }
};

/// Makes tenants 1 ... count - 1 known beside tenant 0, all alike.
inline void add_tenants(Engine& engine, int32_t count) {
  for (int32_t tenant = 1; tenant < count; tenant++)
    EXPECT_TRUE(engine.set_tenant(TenantId{tenant}, {}).ok());
}

/// Submits `request` to `engine` and steps until it is done. Fails the test on any error.
inline Written write_text(Engine& engine, Request request) {
  Written written;
  XXH64_state_t* hash = XXH64_createState();
  XXH64_reset(hash, 0);
  request.on_row = [hash](std::span<const float> row) {
    XXH64_update(hash, row.data(), row.size_bytes());
  };
  const Result<SeqId> id = engine.submit(std::move(request));
  EXPECT_TRUE(id.ok()) << id.error().message();
  for (Result<bool> more = id.ok(); more.ok() && *more;) {
    more = engine.step();
    EXPECT_TRUE(more.ok()) << more.error().message();
  }
  written.logits_xxh64 = XXH64_digest(hash);
  XXH64_freeState(hash);
  if (!id.ok()) return written;
  const Sequence& s = engine.sequence(*id);
  written.tokens.assign(s.tokens.begin() + s.prompt_tokens, s.tokens.end());
  written.drafts = s.drafts;
  written.cached_tokens = s.cached_tokens;
  engine.release(*id);
  return written;
}

}  // namespace troika::testing
