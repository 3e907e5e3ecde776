// Members of an object, parameters of a call: in a fixed order, some of them left out, separators
// between those that are there.
#pragma once

#include <optional>
#include <vector>

#include "text/grammar/grammar.h"

namespace troika::grammar {

struct Member {
  ExprId expr{};  // all of it
  bool required = false;
};

/// `members` in their order, then any number of `extra`, with `comma` between any two.
ExprId members_in_order(Grammar& grammar, const std::vector<Member>& members, ExprId comma,
                        std::optional<ExprId> extra);

}  // namespace troika::grammar
