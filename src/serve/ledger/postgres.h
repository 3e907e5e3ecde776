// PostgreSQL, wrapped at its border: one connection that comes back when it was lost.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

struct pg_conn;
struct pg_result;

namespace troika::serve {

/// What a statement gave back. Columns and rows count from 0.
class PostgresRows {
 public:
  int64_t count() const;
  int64_t integer(int64_t row, int column) const;
  double real(int64_t row, int column) const;
  std::string_view text(int64_t row, int column) const;
  bool is_null(int64_t row, int column) const;
  /// Rows that an INSERT, UPDATE or DELETE changed.
  int64_t changed() const;

 private:
  friend class PostgresConnection;
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

/// A parameter as text; empty: NULL.
using PostgresValue = std::optional<std::string>;

/// Thread: one at a time.
class PostgresConnection {
 public:
  /// Connects. @param prepare  is run on each new connection, also after one was lost.
  /// Errors: exhausted — the database does not answer; what `prepare` says.
  static Result<std::unique_ptr<PostgresConnection>> open(
      const std::string& connection, std::function<Status(PostgresConnection&)> prepare);

  /// Runs one statement with $1, $2 ... Errors: exhausted — the connection is lost; it is made
  /// again before the next statement.
  Result<PostgresRows> run(const std::string& statement, std::span<const PostgresValue> values);
  Result<PostgresRows> run(const std::string& statement,
                           std::initializer_list<PostgresValue> values = {}) {
    return run(statement, std::span<const PostgresValue>(values.begin(), values.size()));
  }

  /// Runs statements without parameters and results.
  Status run_all(const std::string& statements);

  /// All of `work`, or nothing of it. A connection that turns out to be lost at its beginning is
  /// made again.
  Status transaction(const std::function<Status()>& work);

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  Status connect();
  Status reconnect_if_lost();
  Result<PostgresRows> take(pg_result* result);

  std::string address_;
  std::function<Status(PostgresConnection&)> prepare_;
  std::unique_ptr<pg_conn, Finish> connection_;
};

/// "{1,2,3}": an array parameter.
std::string array_text(std::span<const int64_t> values);

/// {"a","b"}: the same of texts.
std::string array_text(std::span<const std::string> values);

}  // namespace troika::serve
