#include "serve/metrics/trace_context.h"

#include <gtest/gtest.h>

namespace troika::serve {
namespace {

constexpr char kSound[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContext, IsReadAndPassedOn) {
  const auto context = parse_traceparent(kSound);
  ASSERT_TRUE(context.has_value());
  EXPECT_EQ(context->trace_id_text(), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(context->span_id_text(), "00f067aa0ba902b7");
  EXPECT_EQ(context->flags, 1);
  EXPECT_EQ(context->text(), kSound);
  const TraceContext child = context->child();
  EXPECT_EQ(child.trace_id, context->trace_id);
  EXPECT_NE(child.span_id, context->span_id);
  EXPECT_EQ(child.flags, 1);
  EXPECT_TRUE(parse_traceparent(child.text()).has_value());
}

TEST(TraceContext, VersionsToComeAreReadAsFarAsKnown) {
  std::string later = kSound;
  later.replace(0, 2, "cc");
  EXPECT_TRUE(parse_traceparent(later).has_value());
  EXPECT_TRUE(parse_traceparent(later + "-what-the-future-brings").has_value());
  EXPECT_FALSE(parse_traceparent(later + ".x").has_value());
  later.replace(53, 2, "ff");
  EXPECT_EQ(parse_traceparent(later)->text().substr(53), "01");
}

TEST(TraceContext, WhatIsNoneIsNone) {
  const std::string sound = kSound;
  std::string upper = sound;
  upper[4] = 'B';
  for (const std::string& bad :
       {std::string(), sound.substr(0, 54), sound + "-00", sound + "0", upper,
        std::string("ff") + sound.substr(2), std::string("0g") + sound.substr(2),
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01" + std::string(),
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01" + std::string(),
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" + std::string(),
        std::string(55, '-'), std::string(55, '\0'), std::string(100'000, 'a')})
    EXPECT_FALSE(parse_traceparent(bad).has_value()) << bad.substr(0, 80);
}

TEST(TraceContext, NewOnesDiffer) {
  EXPECT_NE(new_trace(), new_trace());
  EXPECT_TRUE(parse_traceparent(new_trace().text()).has_value());
  EXPECT_EQ(new_trace().flags, 0);
}

TEST(TraceContext, StateIsPassedOnIfItIsOne) {
  EXPECT_EQ(passed_tracestate("rojo=00f067aa0ba902b7,congo=t61"),
            "rojo=00f067aa0ba902b7,congo=t61");
  EXPECT_EQ(passed_tracestate("a=b\r\nx: y"), "");
  EXPECT_EQ(passed_tracestate(std::string(513, 'a')), "");
}

}  // namespace
}  // namespace troika::serve
