#include "serve/ledger/postgres.h"

#include <libpq-fe.h>

#include <charconv>
#include <cstdlib>
#include <utility>

#include "core/printable.h"

namespace troika::serve {
namespace {

// Seconds in which a connection must be made: a server that starts says soon what is wrong.
constexpr const char* kConnectSeconds = "10";

/// The first line of what the database says, without the connection's words (a password could be
/// among them).
std::string first_line(const char* message) {
  const std::string_view text = message == nullptr ? "" : message;
  return printable(text.substr(0, text.find('\n')), 300);
}

}  // namespace

void PostgresRows::Clear::operator()(pg_result* result) const {
  PQclear(result);
}

void PostgresConnection::Finish::operator()(pg_conn* connection) const {
  PQfinish(connection);
}

int64_t PostgresRows::count() const {
  return PQntuples(result_.get());
}

std::string_view PostgresRows::text(int64_t row, int column) const {
  const int at = static_cast<int>(row);
  return {PQgetvalue(result_.get(), at, column),
          static_cast<size_t>(PQgetlength(result_.get(), at, column))};
}

int64_t PostgresRows::integer(int64_t row, int column) const {
  const std::string_view digits = text(row, column);
  int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

double PostgresRows::real(int64_t row, int column) const {
  const std::string_view digits = text(row, column);
  double value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

bool PostgresRows::is_null(int64_t row, int column) const {
  return PQgetisnull(result_.get(), static_cast<int>(row), column) != 0;
}

int64_t PostgresRows::changed() const {
  return std::strtoll(PQcmdTuples(result_.get()), nullptr, 10);
}

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(
    const std::string& connection, std::function<Status(PostgresConnection&)> prepare) {
  auto made = std::make_unique<PostgresConnection>();
  made->address_ = connection;
  made->prepare_ = std::move(prepare);
  TROIKA_RETURN_IF_ERROR(made->connect());
  return made;
}

Status PostgresConnection::connect() {
  const char* names[] = {"dbname", "connect_timeout", "client_encoding", nullptr};
  const char* values[] = {address_.c_str(), kConnectSeconds, "UTF8", nullptr};
  connection_.reset(PQconnectdbParams(names, values, 1));
  if (connection_ == nullptr) return fail(ErrorCode::exhausted, "PostgreSQL: out of memory");
  if (PQstatus(connection_.get()) != CONNECTION_OK)
    return fail(ErrorCode::exhausted, "PostgreSQL: cannot connect: {}",
                first_line(PQerrorMessage(connection_.get())));
  PQsetNoticeProcessor(
      connection_.get(), [](void*, const char*) {}, nullptr);
  return prepare_ ? prepare_(*this) : ok();
}

Status PostgresConnection::reconnect_if_lost() {
  if (connection_ != nullptr && PQstatus(connection_.get()) == CONNECTION_OK) return ok();
  Status connected = connect();
  if (!connected.ok()) connection_.reset();  // also where prepare_ said no: it is asked again
  return connected;
}

Result<PostgresRows> PostgresConnection::take(pg_result* result) {
  PostgresRows rows;
  rows.result_.reset(result);
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return rows;
  const bool lost = PQstatus(connection_.get()) != CONNECTION_OK;
  const char* state = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
  // Class 53: out of disk, memory or connections; 40: a transaction that lost against another;
  // 57: the database is shutting down.
  const std::string_view kind = state == nullptr ? "" : std::string_view(state).substr(0, 2);
  const bool again = lost || kind == "53" || kind == "40" || kind == "57";
  return fail(again ? ErrorCode::exhausted : ErrorCode::internal, "PostgreSQL: {}",
              first_line(PQerrorMessage(connection_.get())));
}

Result<PostgresRows> PostgresConnection::run(const std::string& statement,
                                             std::span<const PostgresValue> values) {
  TROIKA_RETURN_IF_ERROR(reconnect_if_lost());
  std::vector<const char*> texts;
  for (const PostgresValue& value : values) texts.push_back(value ? value->c_str() : nullptr);
  return take(PQexecParams(connection_.get(), statement.c_str(), static_cast<int>(texts.size()),
                           nullptr, texts.data(), nullptr, nullptr, 0));
}

Status PostgresConnection::run_all(const std::string& statements) {
  TROIKA_RETURN_IF_ERROR(reconnect_if_lost());
  const Result<PostgresRows> rows = take(PQexec(connection_.get(), statements.c_str()));
  return rows.ok() ? ok() : Status(rows.error());
}

Status PostgresConnection::transaction(const std::function<Status()>& work) {
  Status begun = run_all("BEGIN");
  if (!begun.ok()) begun = run_all("BEGIN");  // it was lost since the last statement
  TROIKA_RETURN_IF_ERROR(std::move(begun));
  Status status = work();
  if (status.ok()) return run_all("COMMIT");
  if (PQstatus(connection_.get()) == CONNECTION_OK) (void)run_all("ROLLBACK");
  return status;
}

std::string array_text(std::span<const int64_t> values) {
  return fmt::format("{{{}}}", fmt::join(values, ","));
}

std::string array_text(std::span<const std::string> values) {
  std::string text = "{";
  for (const std::string& value : values) {
    if (text.size() > 1) text += ',';
    text += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text + '}';
}

}  // namespace troika::serve
