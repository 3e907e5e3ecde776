// Whether two schemas can hold for the same value: what oneOf forbids.
#pragma once

#include "text/grammar/schema_facts.h"

namespace troika::grammar {

/// Whether nothing that is written by either of two schemas is valid by the other. False may mean
/// that it could not be told. Keywords that choose branches are not looked at.
bool never_both(const JsonDocument& document, const SchemaFacts& a, const SchemaFacts& b);

}  // namespace troika::grammar
