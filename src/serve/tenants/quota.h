// Quotas: how many requests and tokens a tenant may ask for in a minute and in a day, exactly.
//
// A request reserves what it may use at most, its prompt and the longest answer, when it is
// admitted; when it ends, what it did not use is given back to the window that it was taken from.
// So what is used and what is reserved never exceed the limit together, however many requests come
// at once, and the request that would exceed it is refused: not one before and not one after it.
//
// Windows. A minute slides in steps of a second: what was taken counts for at least 60 s and less
// than 61. A day is a day of UTC.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/ids.h"
#include "core/result.h"
#include "serve/tenants/quota_windows.h"
#include "serve/tenants/tenant.h"

namespace troika::serve {

/// What a request wants.
struct QuotaRequest {
  int64_t tokens_min = 1;  // with fewer it is refused: its prompt and the answer that it names
  int64_t tokens_max = 1;  // it takes, where its answer is left open; at least tokens_min
};

/// What a request was given: to be settled once.
struct Reservation {
  std::string tenant;
  int64_t second = 0;  // since 1970, UTC, of the windows that it was taken from
  int64_t tokens = 0;
};

/// What became of a reservation.
struct Settlement {
  Reservation reservation;
  int64_t tokens_used = 0;  // may be above what was reserved, and is counted then
};

/// What is left of one limit, for x-ratelimit headers.
struct QuotaLevel {
  int64_t limit = 0;
  int64_t remaining = 0;
  double reset_s = 0;  // until all of it is there again, if nothing more is taken
};

/// Of a tenant, now. Empty: no limit.
struct QuotaStatus {
  std::optional<QuotaLevel> requests;
  std::optional<QuotaLevel> tokens;  // of a minute or a day, whichever has less left
};

/// Which limit refused.
enum class QuotaKind : uint8_t { requests_per_minute, tokens_per_minute, tokens_per_day };

/// "requests_per_minute" ...: as the settings are called.
std::string_view quota_kind_name(QuotaKind kind);

struct QuotaDecision {
  bool granted = false;
  Reservation reservation;  // if granted
  // If not:
  QuotaKind refused_by = QuotaKind::requests_per_minute;
  bool never = false;        // it wants more than the whole limit: to wait does not help
  double retry_after_s = 0;  // after which it would be granted if nobody else came; positive
  QuotaStatus status;        // after the decision
};

/// Keeps count of all tenants. Thread: any.
class Quotas {
 public:
  virtual ~Quotas() = default;

  /// Decides on a request under the limits that `tenant` has now. Errors: those of a shared store;
  /// nothing is reserved then.
  virtual Result<QuotaDecision> reserve(const Tenant& tenant, const QuotaRequest& request) = 0;

  /// Gives back what requests did not use. Once for each reservation. Cost: with a shared store one
  /// round trip, however many they are. Errors: those of a shared store; what was not given back is
  /// forgotten with its window.
  virtual Status settle_all(std::span<const Settlement> settlements) = 0;
  Status settle(const Reservation& reservation, int64_t tokens_used) {
    const Settlement one{reservation, tokens_used};
    return settle_all({&one, 1});
  }

  /// What is left to a tenant.
  virtual Result<QuotaStatus> status(const Tenant& tenant) = 0;
};

/// Of one process.
class LocalQuotas final : public Quotas {
 public:
  /// @param clock  seconds since 1970, UTC; empty: the system's. Time that goes back is taken as
  ///   standing still.
  explicit LocalQuotas(std::function<double()> clock = {});

  Result<QuotaDecision> reserve(const Tenant& tenant, const QuotaRequest& request) override;
  Status settle_all(std::span<const Settlement> settlements) override;
  Result<QuotaStatus> status(const Tenant& tenant) override;

  /// Counts what was used before this process began, as the ledger remembers it.
  void restore(std::string_view tenant, double used_at_s, int64_t requests, int64_t tokens);

 private:
  double now();

  std::function<double()> clock_;
  std::mutex mutex_;
  double now_s_ = 0;
  std::map<std::string, QuotaWindows, std::less<>> windows_;
};

/// x-ratelimit-limit-requests, -remaining-requests, -reset-requests, and the same with tokens:
/// names and values, of those limits that there are.
std::vector<std::pair<std::string, std::string>> rate_limit_headers(const QuotaStatus& status);

/// "20ms", "1s", "6m0s", "23h59m1s": as reset headers have it, rounded up.
std::string reset_text(double seconds);

/// The value of a Retry-After header: whole seconds, rounded up, at least 1.
std::string retry_after_text(double seconds);

}  // namespace troika::serve
