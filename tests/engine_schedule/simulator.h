// A machine and its users, simulated: steps take a time that is given by what they hold, users send
// requests one after the other or at given times, and the scheduler decides. No tokens, no device.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "engine/scheduler.h"

namespace troika::testing {

/// What is simulated of a machine. By default a small accelerator: 20 ms a step, and 0.1 ms a row.
struct Machine {
  double step_s = 0.02;
  double row_s = 0.0001;
  int64_t slots = 32;
  int64_t pages = 4096;
  int64_t rows_max = 256;
  int64_t prompt_rows_max = 192;

  double seconds(int64_t rows) const { return step_s + row_s * static_cast<double>(rows); }
};

/// What happened to one request.
struct Outcome {
  RequestId id{};
  int32_t user = 0;
  double sent_s = 0;
  double first_token_s = -1;  // from sent_s on; -1: none came
  double done_s = -1;         // on the clock
  int64_t refusals = 0;
  double promised_s = 0;  // the first retry-after
  double admitted_s = 0;  // from the first refusal on
};

struct Simulation {
  explicit Simulation(const Machine& machine, const SchedulerOptions& options = {});

  /// A user with `sequences` requests under way at all times, each sent when one before it is done.
  struct User {
    TenantId tenant{};
    PriorityClass priority = PriorityClass::normal;
    int64_t sequences = 1;
    std::function<int64_t()> prompt_tokens;
    std::function<int64_t()> answer_tokens;  // tokens_max, all of which are written
    double from_s = 0;
    double until_s = 1e18;     // sends nothing from then on
    double pause_s = 0;        // between an answer and the next request
    double deadline_s = 1e18;  // after each was sent
  };
  int32_t add_user(User user);
  /// One request at a given time.
  void send(double at_s, int32_t user);

  /// A request that the test gave to the scheduler itself, as if `user` had.
  void adopt(RequestId id, int32_t user, int64_t prompt_tokens, int64_t answer_tokens);

  /// Runs until the time, or until nothing is left to do.
  void run(double until_s);

  Machine machine;
  std::unique_ptr<Scheduler> scheduler;
  double now_s = 0;
  int64_t steps = 0;
  int64_t tokens = 0;           // written, in all
  int64_t prompt_rows = 0;      // read, in all
  int64_t held_max = 0;         // tokens in pages, at most
  std::vector<double> service;  // of each user, at the default prices
  std::map<RequestId, Outcome> outcomes;
  std::map<int32_t, double> cost;              // by tenant, as the scheduler charges it
  std::function<void(Simulation&)> each_step;  // called after each step

 private:
  struct Event {
    double at_s;
    int64_t number;
    int32_t user;
    RequestId id;  // of a retry; -1: a new request
    bool operator>(const Event& other) const {
      return at_s != other.at_s ? at_s > other.at_s : number > other.number;
    }
  };
  struct Text {
    int64_t prompt = 0;
    int64_t answer = 0;
    int64_t unread = 0;
    int64_t written = 0;
    int64_t pages = 0;
    bool at_work = false;
  };

  void arrive(const Event& event);
  void carry_out(const ScheduledStep& step);
  void write(RequestId id, int64_t rows);
  void ended(RequestId id);
  void set_aside(RequestId id);

  std::vector<User> users_;
  std::map<RequestId, Text> texts_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  int64_t events_made_ = 0;
  int64_t next_id_ = 0;
  int64_t slots_free_;
  int64_t pages_free_;
};

/// Lengths for users.
std::function<int64_t()> always(int64_t n);
std::function<int64_t()> between(int64_t min, int64_t max, uint64_t seed);

/// The value that a share `q` of `values` does not exceed.
double quantile(std::vector<double> values, double q);

}  // namespace troika::testing
