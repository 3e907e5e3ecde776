// The tenants file: what is read, what is refused and where, and texts that mean harm.
#include "serve/tenants/tenants_file.h"

#include <gtest/gtest.h>

#include <random>

namespace troika::serve {
namespace {

const std::string kDigest = std::string(63, 'a') + "1";
const std::string kOther = std::string(63, 'b') + "2";

constexpr char kSound[] =
    R"(# The ward's machine.

# the clinic on the first floor
[[tenant]]
name = "clinic"
keys = [{ sha256 = ")"
    R"(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1", created = "2026-11-20" }]
weight = 3
priority = "interactive"
tokens_per_minute = 100_000
cache = "group:ward"
speculation = false

[[tenant]] # second
name = "lab"
keys = []
)";

std::string error_of(const std::string& text) {
  const Result<TenantsFile> file = parse_tenants(text, "t.toml");
  return file.ok() ? "" : file.error().message();
}

TEST(TenantsFile, IsRead) {
  const Result<TenantsFile> file = parse_tenants(kSound, "t.toml");
  ASSERT_TRUE(file.ok()) << file.error().message();
  ASSERT_EQ(file->entries.size(), 2U);
  const Tenant& clinic = file->entries[0].tenant;
  EXPECT_EQ(clinic.name, "clinic");
  ASSERT_EQ(clinic.keys.size(), 1U);
  EXPECT_EQ(clinic.keys[0].digest.hex(), kDigest);
  EXPECT_EQ(clinic.keys[0].created, "2026-11-20");
  EXPECT_EQ(clinic.weight, 3);
  EXPECT_EQ(clinic.priority, PriorityClass::interactive);
  EXPECT_EQ(clinic.quota.tokens_per_minute, 100'000);
  EXPECT_FALSE(clinic.quota.tokens_per_day.has_value());
  EXPECT_EQ(clinic.cache.group, "ward");
  EXPECT_FALSE(clinic.speculation.allowed);
  EXPECT_TRUE(file->entries[1].tenant.keys.empty());
}

TEST(TenantsFile, TenantsKeepTheirLines) {
  const Result<TenantsFile> file = parse_tenants(kSound, "t.toml");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(write_tenants(*file), kSound);
  EXPECT_EQ(file->head, "# The ward's machine.\n\n");
  EXPECT_TRUE(file->entries[0].text.starts_with("# the clinic on the first floor\n[[tenant]]"));
  EXPECT_TRUE(file->entries[1].text.starts_with("\n[[tenant]] # second\n"));
}

TEST(TenantsFile, WhatIsWrittenIsReadAsItIs) {
  const Result<TenantsFile> file = parse_tenants(kSound, "t.toml");
  for (const TenantEntry& entry : file->entries) {
    const std::string text = write_tenant(entry.tenant);
    const Result<TenantsFile> again = parse_tenants(text, "t.toml");
    ASSERT_TRUE(again.ok()) << text << again.error().message();
    EXPECT_TRUE(again->entries[0].tenant == entry.tenant) << text;
  }
}

TEST(TenantsFile, EmptyHasNoTenants) {
  EXPECT_TRUE(parse_tenants("", "t.toml")->entries.empty());
  EXPECT_TRUE(parse_tenants("# nobody yet\n", "t.toml")->entries.empty());
}

TEST(TenantsFile, RefusalsNameLineAndWhatIsWanted) {
  const std::string head = "[[tenant]]\nname = \"a\"\n";
  const std::pair<std::string, std::string> kCases[] = {
      {head + "wieght = 3\n", "t.toml:3: \"wieght\" is no setting"},
      {head + "weight = -1\n", "t.toml:3: weight = -1, wanted a number"},
      {head + "priority = \"now\"\n", "t.toml:3: priority = \"now\", wanted"},
      {head + "sequences = 1.5\n", "t.toml:3: sequences = 1.5, wanted an integer"},
      {head + "weight = [1]\n", "t.toml:3: weight is no number"},
      {head + "keys = \"trk_x\"\n", "t.toml:3: keys is no list"},
      {head + "keys = [\"trk_x\"]\n", "t.toml:3: a key is no table"},
      {head + "keys = [{ sha256 = \"12\" }]\n", "t.toml:3: sha256 = \"12\", wanted a SHA-256"},
      {head + "keys = [{ sha512 = \"12\" }]\n", "t.toml:3: \"sha512\" in a key"},
      {head + "keys = [{ created = \"2026-11-20\" }]\n", "t.toml:3: a key without sha256"},
      {head + "keys = [{ sha256 = \"" + kDigest + "\", created = \"\\u0000\" }]\n",
       "t.toml:3: created is no date"},
      {head + "cache_share_min = 0.6\ncache_share_max = 0.5\n", "wanted at most that"},
      {head + "weight = 1\nweight = 2\n", "t.toml:4: "},
      {head + "weight = \n", "t.toml:3: "},
      {"[[tenant]]\nweight = 1\n", "t.toml:1: a tenant without a name"},
      {"[[tenant]]\nname = \"A b\"\n", "t.toml:2: the name \"A b\", wanted"},
      {"[[tenant]]\nname = \"local\"\n", "t.toml:2: the name \"local\""},
      {"[[tenant]]\nname = 3\n", "t.toml:2: name is no text"},
      {"[tenant]\nname = \"a\"\n", "wanted [[tenant]] only"},
      {"[[tenants]]\nname = \"a\"\n", "\"tenants\", wanted [[tenant]] only"},
      {"tenant = [{ name = \"a\" }, { name = \"b\" }]\n", "wanted [[tenant]]"},
      {head + "[tenant.cache]\nx = 1\n", "cache is no number"},
      {head + "\n" + head, "t.toml:4: tenant \"a\" stands here again"},
      {head + "keys = [{ sha256 = \"" + kDigest +
           "\" }]\n[[tenant]]\nname = \"b\"\nkeys = [{ sha256 = \"" + kDigest + "\" }]\n",
       "b: key aaaaaaaa stands here again"},
      {head + "cache_share_min = 0.6\n[[tenant]]\nname = \"b\"\ncache_share_min = 0.5\n",
       "adds up to 1.100"},
  };
  for (const auto& [text, wanted] : kCases) {
    const std::string message = error_of(text);
    EXPECT_NE(message.find(wanted), std::string::npos) << text << "\n" << message;
  }
}

TEST(TenantsFile, HostileTextsAreRefused) {
  std::string dots = "a";
  for (int i = 0; i < 200'000; i++) dots += ".a";
  const std::string many_keys = [] {
    std::string text = "[[tenant]]\nname = \"a\"\nkeys = [\n";
    for (int i = 0; i < 17; i++) text += fmt::format("{{ sha256 = \"{:064x}\" }},\n", i);
    return text + "]\n";
  }();
  for (const std::string& text :
       {dots + " = 1\n", "[" + dots + "]\n", "x = " + std::string(100'000, '[') + "\n",
        "x = " + std::string(3'000, '['),
        "[[tenant]]\nname = \"" + std::string(1 << 20, 'a') + "\"\n",
        std::string("[[tenant]]\nname = \"a\0b\"\n", 24), std::string("[ # x\ny]\n"),
        std::string("[[#\n"), std::string("\xc3\xa9 = 1\n"), std::string("\xef\xbb\x88\n"),
        std::string("\xff\xfe\n"), std::string("[[tenant]]\nname = \"\xed\xa0\x80\"\n"), many_keys,
        std::string(kTenantsFileBytesMax + 1, '\n')}) {
    const Result<TenantsFile> file = parse_tenants(text, "t.toml");
    ASSERT_FALSE(file.ok()) << text.substr(0, 80);
    EXPECT_EQ(file.error().code(), ErrorCode::invalid_argument);
    EXPECT_LT(file.error().message().size(), 600U);
  }
}

TEST(TenantsFile, ManyTenantsButNotMore) {
  std::string text;
  for (int64_t i = 0; i < kTenantsMax; i++) text += fmt::format("[[tenant]]\nname = \"t{}\"\n", i);
  EXPECT_EQ(std::ssize(parse_tenants(text, "t.toml")->entries), kTenantsMax);
  EXPECT_NE(error_of(text + "[[tenant]]\nname = \"one-more\"\n").find("wanted at most 10000"),
            std::string::npos);
}

TEST(TenantsFile, RandomDamageNeverCrashes) {
  std::mt19937 random(3);
  constexpr std::string_view kBytes =
      "[]{}\"'=.,#\n\\ \x01\x80\xff"
      "09azT:-_+";
  for (int i = 0; i < 3000; i++) {
    std::string text = kSound;
    for (int n = 0; n < 4; n++) {
      const size_t at = random() % text.size();
      if (random() % 2 == 0) {
        text[at] = kBytes[random() % kBytes.size()];
      } else {
        text.erase(at, random() % 20);
      }
    }
    const Result<TenantsFile> file = parse_tenants(text, "t.toml");
    if (!file.ok()) continue;
    EXPECT_EQ(write_tenants(*file), text);  // whatever is taken comes back as it was
  }
}

}  // namespace
}  // namespace troika::serve
