#include "engine/retry_estimate.h"

#include <gtest/gtest.h>

namespace troika {
namespace {

TEST(RetryEstimate, StartsFollowEnds) {
  std::vector<double> ends_s = {5, 1, 3};
  StartForecast forecast{.ends_s = &ends_s, .sequence_s = 10};
  EXPECT_EQ(forecast_start_s(1, forecast), 1);
  EXPECT_EQ(forecast_start_s(2, forecast), 3);
  EXPECT_EQ(forecast_start_s(3, forecast), 5);
  EXPECT_EQ(forecast_start_s(4, forecast), 11);  // after the one that started at 1
  forecast.share = 0.5;                          // every second start is another tenant's
  EXPECT_EQ(forecast_start_s(1, forecast), 3);
  EXPECT_EQ(forecast_start_s(2, forecast), 11);
}

TEST(RetryEstimate, PromptsAreReadOneAfterTheOther) {
  std::vector<double> none;
  EXPECT_EQ(forecast_start_s(3, {.ends_s = &none, .prompts_s = 2}), 6);
  std::vector<double> free = {0, 0, 0, 0};
  EXPECT_EQ(forecast_start_s(3, {.ends_s = &free, .sequence_s = 100, .prompts_s = 2}), 6);
  EXPECT_EQ(forecast_start_s(5, {.ends_s = &free, .sequence_s = 100, .prompts_s = 2}), 100);
}

TEST(RetryTickets, KeepTurns) {
  RetryTickets tickets;
  tickets.promise(RequestId{1}, 0, 10);
  tickets.promise(RequestId{2}, 0, 20);
  tickets.promise(RequestId{3}, 0, 5);
  EXPECT_EQ(tickets.open(), 3);
  EXPECT_EQ(tickets.due_s(RequestId{2}), 20);
  EXPECT_FALSE(tickets.due_s(RequestId{9}));
  EXPECT_EQ(tickets.ahead(4, RequestId{9}), 0);   // no turn has come
  EXPECT_EQ(tickets.ahead(12, RequestId{9}), 2);  // 3 and 1
  EXPECT_EQ(tickets.ahead(12, RequestId{1}), 1);
  EXPECT_EQ(tickets.ahead(12, RequestId{3}), 0);
  // Told another time, 3 stays before 1.
  tickets.promise(RequestId{3}, 12, 30);
  EXPECT_EQ(tickets.due_s(RequestId{3}), 42);
  EXPECT_EQ(tickets.ahead(12, RequestId{1}), 1);
  tickets.erase(RequestId{3});
  EXPECT_EQ(tickets.ahead(12, RequestId{1}), 0);
  EXPECT_EQ(tickets.open(), 2);
}

TEST(RetryTickets, LapseWhenNobodyComes) {
  RetryTickets tickets;
  tickets.promise(RequestId{1}, 0, 1);
  tickets.promise(RequestId{2}, 0, 40);
  tickets.forget_lapsed(1.9);
  EXPECT_EQ(tickets.open(), 2);
  tickets.forget_lapsed(2);
  EXPECT_EQ(tickets.open(), 1);
  tickets.forget_lapsed(49.9);
  EXPECT_EQ(tickets.open(), 1);
  tickets.forget_lapsed(50);
  EXPECT_EQ(tickets.open(), 0);
}

TEST(RetryTickets, AreBounded) {
  RetryTickets tickets;
  for (int64_t id = 0; id < 20000; id++) tickets.promise(RequestId{id}, 0, 1000);
  EXPECT_LT(tickets.open(), 20000);
}

}  // namespace
}  // namespace troika
