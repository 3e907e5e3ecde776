#include "engine/waiting_line.h"

#include <gtest/gtest.h>

namespace troika {
namespace {

TEST(WaitingLine, IsAQueueForEachClass) {
  WaitingLine line;
  EXPECT_FALSE(line.front(PriorityClass::normal));
  line.push_back(PriorityClass::normal, RequestId{1});
  line.push_back(PriorityClass::normal, RequestId{2});
  line.push_back(PriorityClass::batch, RequestId{3});
  line.push_front(PriorityClass::normal, RequestId{4});
  EXPECT_EQ(line.size(), 4);
  EXPECT_EQ(line.front(PriorityClass::normal), RequestId{4});
  EXPECT_EQ(line.front(PriorityClass::batch), RequestId{3});
  line.erase(PriorityClass::normal, RequestId{4});
  line.erase(PriorityClass::normal, RequestId{2});
  line.erase(PriorityClass::normal, RequestId{3});  // is in another class
  EXPECT_EQ(line.front(PriorityClass::normal), RequestId{1});
  EXPECT_EQ(line.size(), 2);
}

}  // namespace
}  // namespace troika
