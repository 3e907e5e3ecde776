// The language, subject by subject, held to what Jinja2 makes of it (language.py).
#include <gtest/gtest.h>

#include "chat_templates/fixture.h"
#include "support/shared.h"
#include "text/jinja/template.h"

namespace troika::testing {
namespace {

TEST(Jinja, SpeaksTheLanguageOfJinja2) {
  const Json golden = Json::parse(read_whole(test_data("chat_templates") / "language.json"));
  for (const auto& [subject, cases] : golden["cases"].items())
    for (const Json& one : cases) {
      const std::string source = one["source"].get<std::string>();
      SCOPED_TRACE(subject + ": " + source);
      const Result<jinja::Template> parsed = jinja::Template::parse(source);
      EXPECT_TRUE(parsed.ok()) << parsed.error().message();
      if (!parsed.ok()) continue;
      const Result<std::string> text = parsed->render(golden["variables"], {}, rendering_time());
      EXPECT_TRUE(text.ok()) << text.error().message();
      if (text.ok()) {
        EXPECT_EQ(*text, one["output"].get<std::string>());
      }
    }
}

}  // namespace
}  // namespace troika::testing
