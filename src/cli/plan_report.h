// What `troika plan` tells, for people and as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/series.h"
#include "plan/plan.h"

namespace troika::cli {

/// What was measured of a model that was loaded after all.
struct PlanMeasured {
  std::vector<HeldMemory> memory;      // by member
  Series prompt, one_user, all_users;  // tokens a second
};

struct PlanReport {
  std::string model;  // path
  PlanRequest request;
  PlanMembers members;
  Prediction prediction;
  Shares recommended;
  double recommended_tokens_per_s = 0;  // of one user
  std::optional<PlanMeasured> measured;
};

/// Lines for people.
std::string plan_text(const PlanReport& report);

/// One JSON object and a newline.
std::string plan_json(const PlanReport& report);

/// A row of a simulation: so many equal members.
struct SimulatedGroup {
  int64_t members = 0;
  Prediction prediction;
};

struct SimulationReport {
  std::string model;
  PlanRequest request;
  MemberSpeed member;
  double latency_s = 0;  // of a message between two members
  double link_bytes_per_s = 0;
  int64_t layers = 0;
  std::vector<SimulatedGroup> groups;
};

std::string simulation_text(const SimulationReport& report);
std::string simulation_json(const SimulationReport& report);

}  // namespace troika::cli
