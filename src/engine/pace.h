// How long steps take, as far as it decides how many rows of prompts go into one and what a written
// token costs beside one that is read. No clock: times are given.
#pragma once

#include <cstdint>

namespace troika {

class Pace {
 public:
  /// @param step_ms_max  that a step should take while somebody's text is being written; 0: any.
  explicit Pace(double step_ms_max) : step_ms_max_(step_ms_max) {}

  /// Learns from a step that read `prompt_rows` rows and wrote `written` tokens in `ms`.
  void observe(int64_t prompt_rows, int64_t written, double ms);

  /// Rows of prompts for a step beside `writers` sequences, at most `rows_max` and at least a few:
  /// who reads must not stand still.
  int64_t prompt_rows_max(int64_t rows_max, int64_t writers) const;

  /// Milliseconds that a row of a prompt takes; 0: none was seen.
  double row_ms() const { return row_ms_; }

  /// What a written token costs, in rows of a prompt; 2 until both were seen.
  double written_cost() const;

 private:
  double step_ms_max_;
  double row_ms_ = 0;      // of a prompt; 0: not seen
  double writing_ms_ = 0;  // of a step that only writes
  double written_ms_ = 0;  // of a token in it
};

}  // namespace troika
