// What the scheduler knows of those who ask: their weights and limits, what their tokens cost, and
// what they have been given.
#pragma once

#include <array>
#include <cstdint>

namespace troika {

/// How urgent a request is. A more urgent class goes first; a class that was passed over for long
/// (SchedulerOptions::ageing_s) goes before all others once, so nothing waits for ever.
enum class PriorityClass : uint8_t { interactive, normal, batch };
inline constexpr int64_t kPriorityClasses = 3;
inline constexpr PriorityClass kAllClasses[] = {PriorityClass::interactive, PriorityClass::normal,
                                                PriorityClass::batch};

/// What the operator allows a tenant.
struct TenantPolicy {
  double weight = 1;                // its part of the service beside other tenants', 1e-6 ... 1e6
  int64_t queue_max = 64;           // requests that may wait; more are refused with a time to retry
  int64_t sequences_max = 1 << 20;  // at work at the same time
  PriorityClass highest = PriorityClass::interactive;  // the most urgent that it may ask for
};

/// What a token costs, in any one unit (the engine: milliseconds of the machine, as measured).
struct TokenCosts {
  double prompt = 1;     // read
  double generated = 2;  // written
  double cached = 0.02;  // of a prompt, found in the prefix cache
  double rejected = 1;   // drafted and refused
};

/// What a step did for one request.
struct Service {
  int64_t prompt_tokens = 0;     // rows read: of the prompt, or again after a preemption
  int64_t generated_tokens = 0;  // written
  int64_t rejected_tokens = 0;   // drafts that were refused
};

/// What a tenant has been given, in all.
struct ServedTokens {
  int64_t prompt = 0;      // read for the first time; charged
  int64_t generated = 0;   // charged
  int64_t cached = 0;      // charged
  int64_t rejected = 0;    // charged to whoever asked for the text
  int64_t recomputed = 0;  // read again after a preemption; not charged: nobody asked for them
};

struct TenantStatistics {
  int64_t waiting = 0;    // requests, preempted ones included
  int64_t set_aside = 0;  // of these, preempted ones: they may wait beyond queue_max
  int64_t running = 0;
  int64_t submitted = 0;  // admitted ones; each ends as one of the next three
  int64_t finished = 0;
  int64_t cancelled = 0;
  int64_t expired = 0;  // past their deadlines
  int64_t refused = 0;  // queue full
  int64_t started = 0;  // without those that were resumed
  int64_t preempted = 0;
  ServedTokens served;
  std::array<double, kPriorityClasses> counters{};  // virtual token counters, lifts included
  double cost = 0;        // of all that was charged, unweighted, without lifts
  double wait_s_sum = 0;  // from submission to start, over `started`
  double wait_s_max = 0;
  double first_token_s_sum = 0;  // from submission to the first token, over `first_tokens`
  int64_t first_tokens = 0;
};

}  // namespace troika
