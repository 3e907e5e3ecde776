#include "serve/ledger/sqlite.h"

#include <sqlite3.h>

namespace troika::serve {
namespace {

// For which a writer waits, where a reader or fold() holds the lock.
constexpr int kBusyMs = 5000;

Error failure(sqlite3* database, int code) {
  ErrorCode kind = ErrorCode::internal;
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
      kind = ErrorCode::exhausted;
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      kind = ErrorCode::corrupt;
      break;
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      kind = ErrorCode::not_found;
      break;
    default:
      break;
  }
  const char* path = sqlite3_db_filename(database, "main");
  return fail(kind, "{}: {}", path == nullptr ? "" : path, sqlite3_errmsg(database));
}

}  // namespace

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void SqliteDatabase::Close::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

void SqliteStatement::bind(int parameter, int64_t value) {
  sqlite3_bind_int64(statement_.get(), parameter + 1, value);
}

void SqliteStatement::bind(int parameter, std::string_view text) {
  // Bytes that are no UTF-8 never come here: names are checked where they come in.
  sqlite3_bind_text64(statement_.get(), parameter + 1, text.empty() ? "" : text.data(), text.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
}

void SqliteStatement::bind_null(int parameter) {
  sqlite3_bind_null(statement_.get(), parameter + 1);
}

Result<bool> SqliteStatement::next() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  Result<bool> result = false;
  if (code != SQLITE_DONE) result = failure(sqlite3_db_handle(statement_.get()), code);
  sqlite3_reset(statement_.get());
  return result;
}

Status SqliteStatement::run() {
  TROIKA_TRY(bool row, next());
  while (row) {
    TROIKA_TRY(row, next());
  }
  return ok();
}

int64_t SqliteStatement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string SqliteStatement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (bytes == nullptr) return "";
  return std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column)));
}

bool SqliteStatement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

Result<SqliteDatabase> SqliteDatabase::open(const std::string& path, Mode mode) {
  const int flags = mode == Mode::create     ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                    : mode == Mode::existing ? SQLITE_OPEN_READWRITE
                                             : SQLITE_OPEN_READONLY;
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &opened, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  SqliteDatabase database;
  database.database_.reset(opened);
  if (opened == nullptr) return fail(ErrorCode::exhausted, "{}: out of memory", path);
  if (code != SQLITE_OK)
    return fail(ErrorCode::not_found, "{}: cannot open: {}", path, sqlite3_errmsg(opened));
  sqlite3_busy_timeout(opened, kBusyMs);
  // What does not fit its cache while it sorts would go to a file elsewhere, which the sandbox
  // denies.
  TROIKA_RETURN_IF_ERROR(database.run("PRAGMA temp_store = MEMORY"));
  return database;
}

Status SqliteDatabase::run(const std::string& statements) {
  const int code = sqlite3_exec(database_.get(), statements.c_str(), nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return ok();
  return failure(database_.get(), code);
}

Result<SqliteStatement> SqliteDatabase::prepare(std::string_view text) {
  SqliteStatement statement;
  sqlite3_stmt* prepared = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), text.data(), static_cast<int>(text.size()),
                                      SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
  if (code != SQLITE_OK) return failure(database_.get(), code);
  statement.statement_.reset(prepared);
  return statement;
}

int64_t SqliteDatabase::changes() const {
  return sqlite3_changes64(database_.get());
}

}  // namespace troika::serve
