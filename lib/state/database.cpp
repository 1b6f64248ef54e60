#include "state/database.hpp"

#include "state/files.hpp"

#include <cerrno>
#include <sqlite3.h>
#include <system_error>

namespace fluxgate::state {

namespace {

constexpr int busy_ms = 5'000;

// The errno behind an error: of opening, or of the last call on the database or its log.
int errno_of(sqlite3* raw, int primary) {
    if (raw == nullptr) return 0;
    if (primary == SQLITE_CANTOPEN) return sqlite3_system_errno(raw);
    int out = 0;
    sqlite3_file_control(raw, "main", SQLITE_FCNTL_LAST_ERRNO, &out);
    sqlite3_file* log = nullptr;
    sqlite3_file_control(raw, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (out == 0 && log != nullptr && log->pMethods != nullptr) log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &out);
    if (out != 0) return out;
    // Of the shared memory neither keeps it; the system's own may be of something else by now, unless it speaks of disks.
    const int last = sqlite3_system_errno(raw);
    return primary == SQLITE_IOERR && (last == ENOSPC || last == EDQUOT || last == EROFS || last == EIO) ? last : 0;
}

std::string next_of(int primary, int system) {
    switch (primary) {
    case SQLITE_FULL: return next_step(ENOSPC);
    case SQLITE_READONLY:
    case SQLITE_PERM: return next_step(EACCES);
    case SQLITE_CANTOPEN: return next_step(system == 0 ? EACCES : system);
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return "another program is using it: close that program and try again";
    case SQLITE_NOTADB: return "it is no state of fluxgate: put that file aside, or name another directory with --state DIR";
    case SQLITE_CORRUPT: return "it is damaged: put that file aside, and restore a copy or give the place to go on from with `fluxgate cursor set`";
    default: return next_step(system);
    }
}

} // namespace

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
    code_ = sqlite3_prepare_v2(database.raw(), sql.data(), static_cast<int>(sql.size()), &raw_, nullptr);
}

Statement::~Statement() {
    sqlite3_finalize(raw_);
}

Statement& Statement::bind(int at, std::string_view text) {
    if (code_ == SQLITE_OK) code_ = sqlite3_bind_text64(raw_, at, text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
    return *this;
}

Statement& Statement::bind(int at, std::int64_t number) {
    if (code_ == SQLITE_OK) code_ = sqlite3_bind_int64(raw_, at, number);
    return *this;
}

Statement& Statement::bind_blob(int at, std::string_view bytes) {
    // A null pointer would bind NULL instead of an empty value.
    if (code_ == SQLITE_OK) code_ = sqlite3_bind_blob64(raw_, at, bytes.data() == nullptr ? "" : bytes.data(), bytes.size(), SQLITE_STATIC);
    return *this;
}

Result<bool> Statement::step() {
    if (code_ == SQLITE_OK) {
        const int code = sqlite3_step(raw_);
        if (code == SQLITE_ROW) return true;
        if (code == SQLITE_DONE) return false;
        code_ = code;
    }
    return database_.error(code_);
}

std::int64_t Statement::number(int column) {
    return sqlite3_column_int64(raw_, column);
}

std::string Statement::text(int column) {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(raw_, column));
    const int size = sqlite3_column_bytes(raw_, column);
    return bytes == nullptr ? std::string{} : std::string{bytes, static_cast<std::size_t>(size)};
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, bool create) {
    std::unique_ptr<Database> self{new Database{path}};
    const int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0) | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_PRIVATECACHE;
    const int code = sqlite3_open_v2(path.c_str(), &self->raw_, flags, nullptr);
    if (self->raw_ != nullptr) sqlite3_extended_result_codes(self->raw_, 1);
    if (code != SQLITE_OK) return self->error(code);
    sqlite3_busy_timeout(self->raw_, busy_ms);
    // Files may come from elsewhere: no schema of theirs runs functions.
    sqlite3_db_config(self->raw_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(self->raw_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    return self;
}

Database::~Database() {
    sqlite3_close_v2(raw_);
}

Error Database::error(int code) const {
    const int primary = code & 0xFF;
    std::string text = "the state '" + path_ + "' cannot be used: " + (raw_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(raw_));
    const bool device = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN || primary == SQLITE_FULL || primary == SQLITE_READONLY;
    const int system = device ? errno_of(raw_, primary) : 0;
    if (system != 0) text += " (" + std::generic_category().message(system) + ", errno " + std::to_string(system) + ")";
    // After a write or sync that failed half-way only a fresh look at the file tells what is in it.
    broken_ = broken_ || primary == SQLITE_IOERR || primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
    const bool no_room = system == ENOSPC || system == EDQUOT;
    return {Errc::state, text + "; " + next_of(no_room ? SQLITE_FULL : primary, system)};
}

Result<void> Database::run(const char* sql) {
    const int code = sqlite3_exec(raw_, sql, nullptr, nullptr, nullptr);
    return code == SQLITE_OK ? Result<void>{} : error(sqlite3_extended_errcode(raw_));
}

Result<std::string> Database::ask(std::string_view sql) {
    Statement statement{*this, sql};
    const Result<bool> row = statement.step();
    if (!row.ok()) return row.error();
    return *row ? statement.text(0) : std::string{};
}

} // namespace fluxgate::state
