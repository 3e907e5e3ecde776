// Many texts in one engine, come and gone at random, set aside at random: each must be what it is
// alone.
#pragma once

#include <gtest/gtest.h>
#include <xxhash.h>

#include <memory>
#include <random>
#include <vector>

#include "engine/engine.h"
#include "support/generate.h"

namespace troika::testing {

/// A text to write and what it is alone.
struct CrowdText {
  Request request;
  Written alone;
};

struct CrowdOptions {
  int64_t at_once = 8;       // texts that are submitted and not ended
  int64_t texts = 16;        // in all, at least
  int64_t steps = 0;         // in all, at least
  double preempt_share = 0;  // of steps before which some sequence is set aside
  bool spill = false;        // half of them with what was computed, if there is room
  double cancel_share = 0;   // of texts that are cancelled under way
  uint32_t seed = 1;
};

/// What happened, so that a test can tell that it tested something.
struct CrowdCounts {
  int64_t steps = 0;
  int64_t compared = 0;
  int64_t preempted = 0;
  int64_t spilled = 0;
  int64_t cached_tokens = 0;
};

class Crowd {
 public:
  Crowd(Engine& engine, const std::vector<CrowdText>& texts, const CrowdOptions& options)
      : engine_(engine), texts_(texts), options_(options), random_(options.seed) {}

  /// Writes options.texts texts and compares each; stops at the first that differs.
  CrowdCounts run() {
    while (!::testing::Test::HasFailure() && (more() || !running_.empty())) {
      while (more() && std::ssize(running_) < options_.at_once && (running_.empty() || chance(0.5)))
        submit();
      if (chance(options_.preempt_share)) preempt();
      const Result<bool> worked = engine_.step();
      EXPECT_TRUE(worked.ok()) << worked.error().message();
      EXPECT_TRUE(!worked.ok() || *worked) << "nothing to do beside " << running_.size();
      counts_.steps++;
      reap();
    }
    const Pages& pages = engine_.memory().pages();
    EXPECT_EQ(pages.free() + pages.only_cached(), pages.count()) << "pages that nobody has";
    counts_.spilled = engine_.statistics().spilled;
    return counts_;
  }

 private:
  struct Running {
    size_t text = 0;
    SeqId id{};
    bool cancelled = false;
    XXH64_state_t* hash = nullptr;
  };

  bool more() const { return submitted_ < options_.texts || counts_.steps < options_.steps; }
  bool chance(double share) { return std::bernoulli_distribution(share)(random_); }
  size_t below(size_t end) { return std::uniform_int_distribution<size_t>(0, end - 1)(random_); }

  void submit() {
    auto running = std::make_unique<Running>();
    running->text = below(texts_.size());
    running->cancelled = chance(options_.cancel_share);
    running->hash = XXH64_createState();
    XXH64_reset(running->hash, 0);
    Request request = texts_[running->text].request;
    request.on_row = [hash = running->hash](std::span<const float> row) {
      XXH64_update(hash, row.data(), row.size_bytes());
    };
    const Result<SeqId> id = engine_.submit(std::move(request));
    ASSERT_TRUE(id.ok()) << id.error().message();
    running->id = *id;
    running_.push_back(std::move(running));
    submitted_++;
  }

  void preempt() {
    const Running& running = *running_[below(running_.size())];
    counts_.preempted += engine_.sequence(running.id).slot >= 0 ? 1 : 0;
    const auto kind =
        options_.spill && chance(0.5) ? PreemptionKind::spill : PreemptionKind::recompute;
    EXPECT_TRUE(engine_.preempt(running.id, kind).ok());
  }

  void reap() {
    for (size_t i = 0; i < running_.size(); i++) {
      Running& r = *running_[i];
      if (r.cancelled && chance(0.2)) engine_.cancel(r.id);
      const Sequence& s = engine_.sequence(r.id);
      if (s.finish == FinishReason::none) continue;
      if (s.finish != FinishReason::cancelled) compare(r, s);
      counts_.cached_tokens += s.cached_tokens;
      engine_.release(r.id);
      XXH64_freeState(r.hash);
      std::swap(running_[i], running_.back());
      running_.pop_back();
      i--;
    }
  }

  void compare(const Running& r, const Sequence& s) {
    Written written;
    written.tokens.assign(s.tokens.begin() + s.prompt_tokens, s.tokens.end());
    written.logits_xxh64 = XXH64_digest(r.hash);
    EXPECT_TRUE(written == texts_[r.text].alone)
        << "text " << r.text << " after " << counts_.steps << " steps";
    counts_.compared++;
  }

  Engine& engine_;
  const std::vector<CrowdText>& texts_;
  CrowdOptions options_;
  std::mt19937 random_;
  std::vector<std::unique_ptr<Running>> running_;
  int64_t submitted_ = 0;
  CrowdCounts counts_;
};

}  // namespace troika::testing
