#include "engine/virtual_counters.h"

#include <gtest/gtest.h>

namespace troika {
namespace {

constexpr PriorityClass kClass = PriorityClass::normal;

TEST(VirtualCounters, TheLeastIsNext) {
  VirtualCounters counters;
  const int32_t a = counters.add(1);
  const int32_t b = counters.add(1);
  EXPECT_FALSE(counters.least(kClass, false));
  counters.wait(a, kClass);
  counters.wait(b, kClass);
  EXPECT_EQ(counters.least(kClass, false), b);  // of equals, who came last
  counters.charge(b, kClass, 10);
  EXPECT_EQ(counters.least(kClass, false), a);
  counters.charge(a, kClass, 11);
  EXPECT_EQ(counters.least(kClass, false), b);
  counters.charge(a, kClass, -5);  // given back
  EXPECT_EQ(counters.least(kClass, false), a);
  counters.leave(a, kClass);
  EXPECT_EQ(counters.least(kClass, false), b);
  EXPECT_FALSE(counters.waits(a, kClass));
}

TEST(VirtualCounters, WeightsDivideTheCost) {
  VirtualCounters counters;
  const int32_t a = counters.add(1);
  const int32_t b = counters.add(4);
  counters.charge(a, kClass, 10);
  counters.charge(b, kClass, 40);
  EXPECT_EQ(counters.counter(a, kClass), counters.counter(b, kClass));
  counters.wait(a, kClass);
  counters.wait(b, kClass);
  EXPECT_EQ(counters.waiting_weight(kClass), 5);
  counters.set_weight(b, 2);
  EXPECT_EQ(counters.waiting_weight(kClass), 3);
  counters.leave(b, kClass);
  EXPECT_EQ(counters.waiting_weight(kClass), 1);
}

TEST(VirtualCounters, RestIsNoCredit) {
  VirtualCounters counters;
  const int32_t a = counters.add(1);
  const int32_t b = counters.add(1);
  const int32_t c = counters.add(1);
  counters.wait(a, kClass);
  counters.wait(b, kClass);
  counters.charge(a, kClass, 100);
  counters.charge(b, kClass, 70);
  counters.wait(c, kClass);
  EXPECT_EQ(counters.counter(c, kClass), 70);  // of those that wait, the least
  counters.charge(c, kClass, 50);
  for (const int32_t tenant : {a, b, c}) counters.leave(tenant, kClass);
  const int32_t d = counters.add(1);
  counters.wait(d, kClass);
  EXPECT_EQ(counters.counter(d, kClass), 120);  // nobody waits: of who left last
  counters.wait(a, kClass);
  EXPECT_EQ(counters.counter(a, kClass), 120);
  counters.charge(b, kClass, 1000);
  counters.wait(b, kClass);
  EXPECT_EQ(counters.counter(b, kClass), 1070);  // never lowered
}

TEST(VirtualCounters, ClassesAreApart) {
  VirtualCounters counters;
  const int32_t a = counters.add(1);
  counters.wait(a, kClass);
  counters.charge(a, PriorityClass::batch, 7);
  EXPECT_EQ(counters.counter(a, kClass), 0);
  EXPECT_FALSE(counters.least(PriorityClass::batch, false));
  EXPECT_EQ(counters.least(kClass, false), a);
}

TEST(VirtualCounters, KnowsWhoHasNothingAtWork) {
  VirtualCounters counters;
  const int32_t a = counters.add(1);
  const int32_t b = counters.add(1);
  counters.wait(a, kClass);
  counters.wait(b, kClass);
  counters.charge(b, kClass, 5);
  EXPECT_EQ(counters.least(kClass, true), a);
  counters.set_idle(a, false);
  EXPECT_EQ(counters.least(kClass, true), b);
  EXPECT_EQ(counters.least(kClass, false), a);
  counters.set_idle(b, false);
  EXPECT_FALSE(counters.least(kClass, true));
  counters.set_idle(a, true);
  EXPECT_EQ(counters.least(kClass, true), a);
}

}  // namespace
}  // namespace troika
