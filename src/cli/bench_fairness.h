// fairness: what is left of the machine for one polite user when somebody else floods it.
#pragma once

#include "cli/bench_report.h"

namespace troika::cli {

/// One sequence at a time of one tenant, beside one of another and then beside four times as many
/// as there are slots (the largest of options.sequences): each time until the first has had
/// options.repetitions times ten answers. Prompts of about options.context tokens, answers of about
/// the first of options.generate_tokens. Prints the p95 of the time to the first token beside the
/// flood over that beside an equal (bar: at most 1.5), and the tokens a second over the fair share
/// (docs/fairness.md; bar: at least 0.9).
Status measure_fairness(Bench& bench, const LoadedModel& model);

}  // namespace troika::cli
