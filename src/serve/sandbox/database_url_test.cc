#include "serve/sandbox/database_url.h"

#include <gtest/gtest.h>

namespace troika::serve {
namespace {

/// The port; 0: a socket in the file system; -1: no database; -2: refused.
int port_of(std::string_view ledger) {
  const auto database = database_of(ledger);
  if (!database.ok()) return -2;
  return *database ? (*database)->port : -1;
}

TEST(DatabaseUrl, FilesAreNoDatabases) {
  for (const char* path : {"", "ledger.db", "/var/lib/troika/ledger.db", "http://x:1/"})
    EXPECT_EQ(port_of(path), -1) << path;
}

TEST(DatabaseUrl, HostsHavePorts) {
  EXPECT_EQ(port_of("postgresql://troika@10.0.0.5/troika"), 5432);
  EXPECT_EQ(port_of("postgres://10.0.0.5:6543/troika?sslmode=require"), 6543);
  EXPECT_EQ(port_of("postgresql://user:p%40ss@db:6543"), 6543);
  EXPECT_EQ(port_of("postgresql://troika@db?port=6000"), 6000);
  EXPECT_EQ(port_of("postgresql://[::1]/troika"), 5432);
  EXPECT_EQ(port_of("postgresql://u@[::1]:6543/troika"), 6543);
  EXPECT_EQ(port_of("postgresql:///troika?host=10.0.0.5&port=7000"), 7000);
}

TEST(DatabaseUrl, FoldersAreSockets) {
  EXPECT_EQ(port_of("postgresql:///troika"), 0);
  EXPECT_EQ(port_of("postgresql://troika@/troika"), 0);
  EXPECT_EQ(port_of("postgresql://%2Frun%2Fpostgresql/troika"), 0);
  EXPECT_EQ(port_of("postgresql:///troika?host=/run/postgresql"), 0);
}

TEST(DatabaseUrl, WhatIsNoSinglePeerIsRefused) {
  for (const char* url : {"postgresql://a,b/troika", "postgresql://a:0/x", "postgresql://a:65536/x",
                          "postgresql://a:port/x", "postgresql://a:54x/x"})
    EXPECT_EQ(port_of(url), -2) << url;
}

}  // namespace
}  // namespace troika::serve
