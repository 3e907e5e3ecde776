// All drafting of an engine: who drafts, how many tokens for each sequence of a step, and what is
// learned from it. The engine says which sequences are in the step and how it ended.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/depth_planner.h"
#include "engine/drafter.h"

namespace troika {

/// What is kept of one sequence in order to draft for it. The engine owns it.
struct Drafting {
  Sequence* sequence = nullptr;
  SpeculationOptions options;
  DepthState state;
  DepthChoice choice;    // of the running step
  DraftRequest request;  // of the running step; its tokens are the drafts

  std::span<const TokenId> drafts() const { return request.tokens; }
};

/// Thread: engine. One step is choose(), propose(), learn(), observe() for each, follow().
class Speculation {
 public:
  /// @param drafters  at most one of each class; none: nobody drafts.
  explicit Speculation(std::vector<std::unique_ptr<Drafter>> drafters);

  /// Whether anyone can draft.
  bool active() const { return !drafters_.empty(); }

  /// Whether requests of this type can be served. Errors: invalid_argument — it names a drafter
  /// that is not there; with what is wanted instead.
  Status check(SpecType type) const;

  /// Makes `drafting` ready for a sequence whose texts end at `sequence.tokens_end`.
  static void begin(Drafting& drafting, Sequence& sequence, const SpeculationOptions& options);

  /// Decides how many tokens each of `members` drafts in the coming step, which reads
  /// `prompt_rows` rows of prompts besides. Drafts of the step before are gone.
  void choose(std::span<Drafting* const> members, int64_t prompt_rows);

  /// Takes back what choose() decided for one of its members, who has no part in the step after
  /// all.
  void leave_out(const Drafting& member);

  /// Drafts what was chosen, up to what the grammar of a text forbids; each sequence has pages for
  /// it. Returns the time at which that was
  /// done: the clock is asked after each drafter that launched something, or once.
  Result<double> propose(double start_ms, const std::function<double()>& clock_ms);

  /// Told the size of the step and what the trunk took.
  /// @param learn  false: its times tell nothing about steps of drafts.
  void learn(int64_t rows, double trunk_ms, bool learn);

  /// Told how many drafts of a member were accepted, after learn().
  void observe(Drafting& drafting, int64_t accepted);

  /// Tells the drafters which rows are final, after observe().
  Status follow(std::span<const FollowedRows> rows);

  /// Whether the model's draft head is kept up.
  bool uses_head() const;

  /// Brings it up to Sequence::computed, between two steps.
  Status settle(Sequence& sequence);

  /// Of states and buffers that only drafters use.
  int64_t device_bytes() const;

  /// Forgets the text of a sequence.
  void forget(const Sequence& sequence);

  /// What steps cost, as far as they were measured.
  const CostModel& costs() const { return costs_; }

 private:
  Drafter* drafter_of(DraftClass drafts) const;
  void make_offers(std::span<Drafting* const> members);
  Status propose_with(Drafter& drafter);
  void cut_forbidden();

  std::vector<std::unique_ptr<Drafter>> drafters_;
  DepthPlanner planner_;
  CostModel costs_;
  std::vector<Drafting*> members_;  // of the running step
  int64_t prompt_rows_ = 0;         // of the running step
  std::vector<DraftOffer> offers_;
  std::vector<DepthCandidate> candidates_;
  std::vector<DraftRequest> requests_;
  StepPlan plan_;  // of the running step
  DraftTimes times_;
};

}  // namespace troika
