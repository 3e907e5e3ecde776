#include "serve/metrics/registry.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>

namespace troika::serve {
namespace {

TEST(Registry, WritesPrometheusText) {
  Registry registry;
  Family<Counter>& requests =
      registry.counter("troika_requests_total", "Requests\nthat ended \\", {"tenant", "model"});
  requests.with({"clinic", "a \"model\"\\\n"}).add(3);
  requests.with({"a", "b"}).add();
  registry.gauge("troika_ready", "Ready", {}).with({}).set(0.5);
  EXPECT_EQ(registry.text(),
            "# HELP troika_requests_total Requests\\nthat ended \\\\\n"
            "# TYPE troika_requests_total counter\n"
            "troika_requests_total{tenant=\"a\",model=\"b\"} 1\n"
            "troika_requests_total{tenant=\"clinic\",model=\"a \\\"model\\\"\\\\\\n\"} 3\n"
            "# HELP troika_ready Ready\n"
            "# TYPE troika_ready gauge\n"
            "troika_ready 0.5\n");
}

TEST(Registry, HistogramsAddUp) {
  Registry registry;
  constexpr double kBounds[] = {0.1, 1};
  Histogram& times = registry.histogram("t", "T", {"model"}, kBounds).with({"m"});
  times.observe(0.1);  // a bound is inside
  times.observe(0.5, 2);
  times.observe(7);
  times.observe(std::numeric_limits<double>::quiet_NaN());
  times.observe(1, 0);
  EXPECT_EQ(registry.text(),
            "# HELP t T\n# TYPE t histogram\n"
            "t_bucket{model=\"m\",le=\"0.1\"} 1\n"
            "t_bucket{model=\"m\",le=\"1\"} 3\n"
            "t_bucket{model=\"m\",le=\"+Inf\"} 4\n"
            "t_sum{model=\"m\"} 8.1\n"
            "t_count{model=\"m\"} 4\n");
}

TEST(Registry, SeriesAreMadeOnce) {
  Registry registry;
  Family<Counter>& family = registry.counter("c", "C", {"x"});
  EXPECT_EQ(&family.with({"1"}), &family.with({"1"}));
  EXPECT_NE(&family.with({"1"}), &family.with({"2"}));
}

TEST(Registry, SeriesHaveALimit) {
  Registry registry;
  Family<Counter>& family = registry.counter("c", "C", {"x"});
  for (int64_t i = 0; i < kSeriesMax; i++) family.with({std::to_string(i)});
  Counter& other = family.with({"one more"});
  EXPECT_EQ(&other, &family.with({"another"}));
  EXPECT_EQ(&other, &family.with({"other"}));
  EXPECT_NE(&other, &family.with({"17"}));
}

TEST(Registry, CountersOnlyRise) {
  Counter counter;
  counter.raise_to(5);
  counter.raise_to(3);
  EXPECT_EQ(counter.value(), 5);
}

TEST(Registry, NothingIsLostAmongThreads) {
  Registry registry;
  Family<Counter>& family = registry.counter("c", "C", {"x"});
  Family<Histogram>& times = registry.histogram("h", "H", {}, seconds_bounds());
  Family<Gauge>& gauges = registry.gauge("g", "G", {});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++)
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; i++) {
        family.with({std::to_string(i % 7)}).add();
        times.with({}).observe(0.5);
        gauges.with({}).add(i % 2 == 0 ? 1 : -1);
        if (i % 1000 == 0) {
          EXPECT_FALSE(registry.text().empty());
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  int64_t sum = 0;
  for (int i = 0; i < 7; i++) sum += family.with({std::to_string(i)}).value();
  EXPECT_EQ(sum, 20'000);
  EXPECT_EQ(times.with({}).count_up_to(seconds_bounds().size()), 20'000);
  EXPECT_EQ(times.with({}).sum(), 10'000);
  EXPECT_EQ(gauges.with({}).value(), 0);
}

}  // namespace
}  // namespace troika::serve
