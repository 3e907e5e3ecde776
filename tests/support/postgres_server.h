// A PostgreSQL server for one test program: its own data in a temporary folder, reached by a socket
// there and by nobody else.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

namespace troika::testing_support {

class PostgresServer {
 public:
  /// Starts one. Null: there is no PostgreSQL here, or it does not start; reason() says which.
  static std::unique_ptr<PostgresServer> start(std::string& reason) {
    std::unique_ptr<PostgresServer> server(new PostgresServer);
    if (std::system("command -v initdb pg_ctl > /dev/null") != 0) {
      reason = "no initdb and pg_ctl on PATH";
      return nullptr;
    }
    // The database refuses to be run by root.
    const bool is_root = geteuid() == 0;
    if (is_root && std::system("id postgres > /dev/null 2>&1") != 0) {
      reason = "this is root and there is no user postgres";
      return nullptr;
    }
    char folder[] = "/tmp/troika_pg_XXXXXX";
    if (mkdtemp(folder) == nullptr) return nullptr;
    server->folder_ = folder;
    server->as_ = is_root ? "cd / && runuser -u postgres -- " : "";
    if (is_root) (void)!std::system(fmt::format("chown postgres {}", folder).c_str());
    const bool made = server->run(fmt::format("initdb -D {}/data -U troika -A trust -N", folder));
    server->runs_ = made && server->run(fmt::format(
                                "pg_ctl -D {0}/data -w -t 240 -l {0}/log "
                                "-o \"-k {0} -h '' -c fsync=off -c max_connections=50\" start",
                                folder));
    if (server->runs_) return server;
    reason = fmt::format("PostgreSQL does not start: see {}", server->folder_);
    server->folder_.clear();
    return nullptr;
  }

  ~PostgresServer() {
    if (runs_) run(fmt::format("pg_ctl -D {}/data -m immediate -w stop", folder_));
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  /// Of a fresh database.
  std::string address() {
    const std::string name = fmt::format("test{}", ++databases_);
    run(fmt::format("psql -h {} -U troika -d postgres -c 'CREATE DATABASE {}'", folder_, name));
    return fmt::format("postgresql://troika@/{}?host={}", name, folder_);
  }

 private:
  bool run(const std::string& command) {
    return std::system(fmt::format("{}{} > /dev/null 2>&1", as_, command).c_str()) == 0;
  }

  std::string folder_;
  std::string as_;
  bool runs_ = false;
  int databases_ = 0;
};

}  // namespace troika::testing_support
