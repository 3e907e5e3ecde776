// When to come again after a refusal: the time until a place in a full queue will have become free.
// A place becomes free when a waiting request starts. What holds starts back is either sequences
// (they start as others end) or rows (prompts are read one after the other); both are told here.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

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

/// Places that were promised to those who were refused, so that not all come back at once. What is
/// remembered is bounded.
class RetryTickets {
 public:
  /// Promises still open at `now_s`.
  int64_t open(double now_s);
  /// One more, due at `due_s`.
  void add(double due_s);

 private:
  std::deque<double> due_s_;  // ascending
};

}  // namespace troika
