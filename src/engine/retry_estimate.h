// When to come again after a refusal: the time until a place in a full queue will have become free.
// A place becomes free when a waiting request starts. What holds starts back is either sequences
// (they start as others end) or rows (prompts are read one after the other); both are told here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/ids.h"

namespace troika {

/// What is known at the moment of a refusal.
struct StartForecast {
  std::vector<double>* ends_s = nullptr;  // for each sequence at work, the time it still takes;
                                          // sorted here
  double sequence_s = 0;                  // that a sequence takes from its start to its end
  double prompts_s = 0;  // that the machine takes to read the prompt of one request
  double share = 1;      // of all starts that are this tenant's, 0 ... 1
};

/// Seconds until `place` requests of the tenant (1: the next) will have started: sequences at work
/// end, and each makes room for one that takes sequence_s; prompts are read at prompts_s each; the
/// slower of the two decides. Cost: O(sequences log sequences).
double forecast_start_s(int64_t place, const StartForecast& forecast);

/// Places that were promised to those who were refused, so that not all come back at once, and that
/// are kept for them for a while. Who comes again is known by the id of its request, and stays in
/// its turn, the time it was told first, if it is told another. What is remembered is bounded.
class RetryTickets {
 public:
  /// Forgets promises whose holders did not come: a quarter of the promised time after it was over,
  /// but a second at least.
  void forget_lapsed(double now_s);

  /// Promises that were made.
  int64_t open() const { return std::ssize(tickets_); }

  /// Of these, those whose turn has come and is before that of `id`, who may have none. Cost:
  /// O(their number).
  int64_t ahead(double now_s, RequestId id) const;

  /// The time that `id` was told last, if it was told one.
  std::optional<double> due_s(RequestId id) const;

  /// Tells `id` to come after that time.
  void promise(RequestId id, double now_s, double after_s);
  void erase(RequestId id);

 private:
  struct Ticket {
    double turn_s = 0;
    double due_s = 0;
    double lapse_s = 0;
  };
  std::map<RequestId, Ticket> tickets_;
  std::set<std::pair<double, RequestId>> by_turn_, by_lapse_;
};

}  // namespace troika
