// Ids that must not be mixed up: each its own type over the same integer.
#pragma once

#include <cstdint>

namespace troika {

enum class TokenId : int32_t {};    // row of the vocabulary, 0 … vocab - 1
enum class SeqId : int32_t {};      // a sequence of the engine
enum class PageId : int32_t {};     // a page of the key-value store
enum class TenantId : int32_t {};   // who asks
enum class RequestId : int64_t {};  // what was asked, from its submission to its end
enum class GroupId : int32_t {};    // tenants that share what is cached

}  // namespace troika
