// Whether two schemas can hold for the same value: what oneOf forbids.
#pragma once

#include "text/grammar/schema_facts.h"

namespace troika::grammar {

class SchemaOverlap {
 public:
  /// @param work_max  names and values that are looked at; what would take more cannot be told.
  SchemaOverlap(const JsonDocument& document, int64_t work_max)
      : document_(document), work_max_(work_max) {}

  /// Whether nothing that is written by either of two schemas is valid by the other. False may mean
  /// that it could not be told. Keywords that choose branches are not looked at.
  bool never_both(const SchemaFacts& a, const SchemaFacts& b);

  /// What was looked at so far.
  int64_t work() const { return work_; }

 private:
  bool distinct(const SchemaFacts& a, const SchemaFacts& b, int32_t looks);
  bool objects_distinct(const SchemaFacts& a, const SchemaFacts& b, int32_t looks);
  bool none_valid(const SchemaFacts& values, const SchemaFacts& by);
  bool spend(int64_t work);

  const JsonDocument& document_;
  int64_t work_max_;
  int64_t work_ = 0;
};

}  // namespace troika::grammar
