#include "text/grammar/members.h"

namespace troika::grammar {

/// From the last backwards: what may follow where some are written already, and where none is.
ExprId members_in_order(Grammar& g, const std::vector<Member>& members, ExprId comma,
                        std::optional<ExprId> extra) {
  ExprId behind_some = g.empty(), behind_none = g.empty();
  if (extra) {
    behind_some = g.repeat(g.sequence({comma, *extra}), 0, kUnbounded);
    behind_none = g.optional(g.sequence({*extra, behind_some}));
  }
  for (auto member = members.rbegin(); member != members.rend(); ++member) {
    const ExprId some = g.named("members", behind_some);
    const ExprId none = g.named("members", behind_none);
    behind_some = g.sequence({comma, member->expr, some});
    behind_none = g.sequence({member->expr, some});
    if (member->required) continue;
    behind_some = g.choice({behind_some, some});
    behind_none = g.choice({behind_none, none});
  }
  return behind_none;
}

}  // namespace troika::grammar
