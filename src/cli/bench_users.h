// Many users at once through the engine, as a server has them: what the engine costs beside bare
// passes, and what drafts give all of them together.
#pragma once

#include "cli/bench_drafts.h"
#include "cli/bench_report.h"
#include "engine/engine.h"

namespace troika::cli {

/// engine: tokens a second of so many answering sequences, in turns with the same passes without an
/// engine. Prints for each count of options.sequences the rate and its ratio to theirs.
Status measure_engine(Bench& bench, const LoadedModel& model);

/// users: each count of options.sequences answers the prompts at the same time, three for each user
/// and all of them at least, in turns with drafts and without; prints how many times faster drafts
/// made all answers together. `model` has its draft head, if that drafts.
/// Errors: internal — drafts changed a token.
Status measure_users(Bench& bench, const LoadedModel& model, const DraftPrompts& prompts);

}  // namespace troika::cli
