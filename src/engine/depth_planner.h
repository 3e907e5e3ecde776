// How many tokens to draft in a step, for all its sequences together and by whom: what gives the
// most tokens a second, by the acceptance of each one's drafts so far and the measured cost of
// steps. One user gets deep drafts where rows are cheap; a full batch has no room for any.
//
// Two searches, one after the other. Drafts of all sequences are ranked by the tokens that they are
// expected to add, which is the best order for any number of rows; every length of that list is
// priced, with the launches of drafters limited to 0, 1, 2 ... Then each sequence in turn tries
// every drafter and depth beside what the others have. Of one sequence the second search is exact.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/depth_policy.h"
#include "engine/drafter.h"

namespace troika {

/// What may be drafted for one sequence.
struct DepthCandidate {
  SpeculationOptions options;
  int64_t room = 0;  // drafts that could still be used: tokens left after the one that verification
                     // gives anyway
  const DepthState* state = nullptr;  // of this sequence
  std::span<const DraftOffer> offers;
};

/// What else is in the step.
struct DepthInput {
  const CostModel* costs = nullptr;
  StepPlan others{};         // without the candidates
  double others_tokens = 0;  // that the step is expected to give them; rows of a prompt count one
  std::span<const DepthCandidate> candidates;
};

/// Chooses depths: a pure function, with memory of its own to work in. Thread: one.
class DepthPlanner {
 public:
  /// One choice for each candidate, in order; valid until the next call. No more than one of them
  /// is a probe. Candidates of a type other than automatic get exactly what they ask for and count
  /// with the others. Cost: O(offers * depth_max); 30 us for 64 candidates of depth 16, 50 at
  /// worst.
  std::span<const DepthChoice> choose(const DepthInput& input);

 private:
  struct Offer {
    DraftOffer offer;
    int64_t depth_max = 0;
    bool launches = false;                     // n-grams cost rows of the trunk only
    double tokens[kDraftTokensMax + 1] = {};   // that the sequence is expected to get by its depth
    uint16_t ranks[kDraftTokensMax + 1] = {};  // by the tokens that each draft adds; 0: the most
  };
  /// A candidate whose depth is to be decided. Offers are numbers in offers_; -1: none.
  struct Member {
    size_t candidate = 0;
    int64_t first_offer = 0, end_offer = 0;
    int64_t offer = -1;
    int64_t depth = 0;
    int64_t ranked_offer = -1;  // that the running search gives it
  };
  /// Sums of a step.
  struct Totals {
    StepPlan plan;
    double tokens = 0;
    CostEstimate drafting;  // all launches that draft
  };
  /// One draft of a member, as the first search reads it.
  struct Draft {
    uint32_t member = 0;
    int16_t depth = 0;        // from 1
    bool launches = false;    // as its offer has it
    bool of_head = false;     // else of the draft model
    double tokens = 0;        // that it adds
    int64_t launch_rows = 0;  // that it adds to its launch
  };
  struct Probe {
    Member* member = nullptr;
    int64_t offer = -1;
    int64_t depth = 0;
    double gain = 1;  // hoped speed beside the one wanted
  };
  /// Whose drafts the first search ranks.
  enum class Ranked : uint8_t { free, launched, likelier };

  void take_candidates(const DepthInput& input);
  void take_forced(const DepthCandidate& candidate, DepthChoice& choice);
  void take_member(const DepthCandidate& candidate, size_t index);
  void fill_curves(const CostModel& costs);

  void search_ranked(Ranked whose);
  size_t best_length(int64_t limit);
  int64_t ranked_offer(const Member& member, Ranked whose) const;
  void rank_drafts(Ranked whose);
  void search_one_by_one();
  bool improve(Member& member);
  void turn_down_noise();
  void tell();
  Probe find_probe(const DepthInput& input);
  void find_probe(const DepthState& state, Member& member, Probe& best);

  /// Adds the drafts of an offer between two depths to totals_, or takes them away.
  void add_drafts(const Offer& offer, int64_t from, int64_t to);
  void remove_drafts(const Offer& offer, int64_t depth);
  void put(const Member& member);
  void take_off(const Member& member);
  CostEstimate launch_change(const Offer& offer, int64_t depth) const;
  CostEstimate cost(const Totals& totals) const;
  double ms(const Totals& totals) const;
  double speed(const Totals& totals) const { return totals.tokens / ms(totals); }
  /// As a comparison of speeds, without a division.
  bool faster(const Totals& totals, double speed) const {
    return totals.tokens > speed * ms(totals);
  }
  const Offer& offer(int64_t number) const { return offers_[static_cast<size_t>(number)]; }

  std::vector<DepthChoice> choices_;
  std::vector<Member> members_;
  std::vector<Offer> offers_;
  std::vector<Draft> ranked_;
  std::vector<int32_t> bucket_ends_;
  double best_speed_ = 0;
  Totals base_, totals_;  // without drafts of members; as planned now
  CostCurves curves_;
};

}  // namespace troika
