#include "device/cpu/program.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "device/cpu/buffers.h"

namespace troika::cpu {
namespace {

constexpr int64_t kLineBytes = 64;

int64_t whole_lines(int64_t bytes) {
  return (bytes + kLineBytes - 1) / kLineBytes * kLineBytes;
}

constexpr std::string_view kResultNames[kOutputs] = {"result logits", "result argmax"};

/// Points slots that are results at their buffers.
Status bind_results(Program& program, const Bindings& bindings) {
  Step& step = program.step;
  for (size_t slot = 0; slot < program.places.size(); slot++) {
    const SlotPlace& place = program.places[slot];
    if (place.output < 0) continue;
    const auto output = static_cast<size_t>(place.output);
    const int64_t numbers = step.rows(place.rows) * place.row_numbers;
    if (numbers == 0) continue;
    TROIKA_TRY(step.slots[slot],
               numbers_at(bindings.results[output], numbers, kResultNames[output]));
  }
  return ok();
}

/// Takes runs of a job until none are left.
void run_job(const Job& job, const Step& step, WorkRanges& ranges, Tally& tally, int64_t total,
             int thread) {
  const int64_t run_min = job.run_min();
  int64_t begin = 0;
  int64_t end = 0;
  while (ranges.take(thread, run_min, begin, end)) {
    job.run(step, begin, end, thread);
    tally.add(end - begin, total);
  }
}

/// Fetches what a thread will read next into its cache while it waits for others: short pieces of
/// work that only one of them can do then cost no time where memory is the limit.
class ReadAhead {
 public:
  ReadAhead(const Program& program, int thread) : program_(program), thread_(thread) {}

  /// Returns when `total` items of phase `phase` are finished.
  void wait(const Tally& tally, int64_t total, size_t phase) {
    if (!tally.done(total) && phase_ <= phase) look_beyond(phase);
    while (!tally.done(total) && fetched_ < std::ssize(weights_)) {
      for (int line = 0; line < kLines; line++)
        __builtin_prefetch(weights_.data() + fetched_ + line * kLineBytes, 0, 2);
      fetched_ += kLines * kLineBytes;
    }
    tally.wait(total);
  }

 private:
  // A part of the second-level cache, which attention and activations need too.
  static constexpr size_t kAheadMax = 512 << 10;
  static constexpr int kLines = 8;

  /// Finds the next phase after `phase` that reads weights.
  void look_beyond(size_t phase) {
    weights_ = {};
    fetched_ = 0;
    for (phase_ = phase + 1; phase_ < program_.phases.size(); phase_++)
      for (const auto& job : program_.phases[phase_].jobs) {
        weights_ = job->weights_ahead(program_.step, thread_);
        if (weights_.empty()) continue;
        weights_ = weights_.first(std::min(weights_.size(), kAheadMax));
        return;
      }
  }

  const Program& program_;
  int thread_;
  size_t phase_ = 0;  // whose weights they are
  std::span<const std::byte> weights_;
  int64_t fetched_ = 0;
};

/// What every thread does in a step, whenever it comes.
void run_phases(Program& program, int thread) {
  const Step& step = program.step;
  WorkRanges* ranges = program.ranges.data();
  ReadAhead ahead(program, thread);
  for (size_t phase = 0; phase < program.phases.size(); phase++) {
    const int64_t total = program.items[phase];
    Tally& tally = program.tallies[phase];
    for (const auto& job : program.phases[phase].jobs)
      run_job(*job, step, *ranges++, tally, total, thread);
    ahead.wait(tally, total, phase);
  }
}

/// Gives every thread its share of each job.
void deal_work(Program& program) {
  WorkRanges* ranges = program.ranges.data();
  program.items.clear();
  for (const Phase& phase : program.phases) {
    int64_t total = 0;
    for (const auto& job : phase.jobs) {
      const int64_t items = job->items(program.step);
      (ranges++)->deal(items, program.step.threads);
      total += items;
    }
    program.items.push_back(total);
  }
  for (Tally& tally : program.tallies) tally.reset();
}

int64_t work_of(const Program& program) {
  int64_t work = 0;
  for (const Phase& phase : program.phases)
    for (const auto& job : phase.jobs) work += job->work(program.step);
  return work;
}

}  // namespace

Status reserve_memory(Program& program, HostAllocator& memory, const KernelTable& kernels,
                      int threads) {
  const int64_t scratch_bytes = whole_lines(program.scratch_bytes);
  const int64_t arena_bytes = whole_lines(program.arena_bytes);
  auto allocated = memory.allocate(arena_bytes + threads * scratch_bytes);
  if (!allocated.ok())
    return fail(allocated.error().code(), "memory for steps of {} tokens: {}", program.sizes.tokens,
                allocated.error().message());
  program.memory = std::move(allocated).value();
  Step& step = program.step;
  step.kernels = &kernels;
  for (const SlotPlace& place : program.places)
    step.slots.push_back(place.output < 0 ? program.memory.data() + place.offset : nullptr);
  for (int thread = 0; thread < threads; thread++)
    step.scratch.push_back(program.memory.data() + arena_bytes + thread * scratch_bytes);
  step.row_span.resize(static_cast<size_t>(program.sizes.tokens));
  step.output_row_span.resize(static_cast<size_t>(program.sizes.outputs));
  step.tile_lists = std::move(program.tile_lists);
  for (TileList& list : step.tile_lists) {
    const int64_t rows = list.outputs ? program.sizes.outputs : program.sizes.tokens;
    list.tiles.reserve(static_cast<size_t>(rows / list.rows + program.sizes.sequences));
  }
  size_t jobs = 0;
  for (const Phase& phase : program.phases) jobs += phase.jobs.size();
  program.ranges.reserve(jobs);
  for (size_t job = 0; job < jobs; job++) program.ranges.emplace_back(threads);
  program.items.reserve(program.phases.size());
  program.tallies = std::vector<Tally>(program.phases.size());
  return ok();
}

Status run_program(Program& program, const Bindings& bindings, ThreadPool& pool,
                   int64_t shared_work_min) {
  TROIKA_RETURN_IF_ERROR(prepare_step(program.needs, program.sizes, bindings, program.step));
  TROIKA_RETURN_IF_ERROR(bind_results(program, bindings));
  program.step.threads = work_of(program) < shared_work_min ? 1 : pool.threads();
  deal_work(program);
  if (program.step.threads == 1)
    pool.run_alone([&] { run_phases(program, 0); });
  else
    pool.run([&](int thread) { run_phases(program, thread); });
  return ok();
}

}  // namespace troika::cpu
