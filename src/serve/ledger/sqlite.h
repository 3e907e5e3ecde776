// SQLite, wrapped at its border: what may fail comes back as a value, what is open is closed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace troika::serve {

/// One statement, prepared once and run many times. Parameters and columns count from 0.
/// Thread: one at a time.
class SqliteStatement {
 public:
  SqliteStatement() = default;

  /// Bind a parameter of the next run. A text must live until the statement ran.
  void bind(int parameter, int64_t value);
  void bind(int parameter, std::string_view text);
  void bind_null(int parameter);

  /// Goes to the next row. False: there is none, and the statement can run again.
  Result<bool> next();

  /// Runs a statement without rows.
  Status run();

  int64_t integer(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;

 private:
  friend class SqliteDatabase;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// One connection. Thread: one at a time. Statements must end before it.
class SqliteDatabase {
 public:
  enum class Mode { create, existing, read_only };

  /// Errors: not_found — it cannot be opened; corrupt — it is no database.
  static Result<SqliteDatabase> open(const std::string& path, Mode mode);

  /// Runs statements without results. Errors: exhausted — the disk is full, or another process
  /// holds the lock for long; corrupt.
  Status run(const std::string& statements);

  Result<SqliteStatement> prepare(std::string_view statement);

  /// Rows that the last statement changed.
  int64_t changes() const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace troika::serve
