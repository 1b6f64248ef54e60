#include "state/store.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace fluxgate::state {

namespace {

constexpr const char* application_id = "1179407704"; // "FLUX": how a file says that it is a state of ours

constexpr const char* create_all = R"(
    PRAGMA application_id = 1179407704;
    CREATE TABLE schema (version INTEGER NOT NULL);
    CREATE TABLE state (stage TEXT NOT NULL, part INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (stage, part, key));
    INSERT INTO schema (version) VALUES (1);
)";

// migrations[n] makes version n + 1 of version n.
constexpr std::array<const char*, schema_version> migrations{
    // Version 0 knew one owner, the source.
    R"(
    ALTER TABLE state RENAME TO state_0;
    CREATE TABLE state (stage TEXT NOT NULL, part INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (stage, part, key));
    INSERT INTO state (stage, part, key, value) SELECT 'input', -1, key, value FROM state_0;
    DROP TABLE state_0;
    UPDATE schema SET version = 1;
    )",
};

// Undone unless committed.
class Transaction {
public:
    explicit Transaction(Database& database) : database_(database) {}
    Result<void> begin() {
        Result<void> begun = database_.run("BEGIN IMMEDIATE");
        open_ = begun.ok();
        return begun;
    }
    Result<void> commit() {
        Result<void> done = database_.run("COMMIT");
        if (done.ok()) open_ = false;
        return done;
    }
    ~Transaction() {
        // What cannot be undone now is undone by whoever opens the file next; the caller has its error already.
        if (open_) static_cast<void>(database_.run("ROLLBACK"));
    }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

private:
    Database& database_;
    bool open_ = false;
};

Result<void> check_key(std::string_view what, std::string_view key) {
    if (!key.empty() && key.size() <= max_key_bytes && key.find('\0') == std::string_view::npos) return {};
    return Error{Errc::invalid_argument,
                 std::string{what} + " of the state must have 1 to " + std::to_string(max_key_bytes) + " bytes and no 0 byte"};
}

Result<void> check_changes(const Owner& owner, const std::vector<Change>& changes) {
    if (Result<void> good = check_key("a stage", owner.stage); !good.ok()) return good;
    for (const Change& change : changes) {
        if (Result<void> good = check_key("a key", change.key); !good.ok()) return good;
        if (!change.erase && change.value.size() > max_value_bytes)
            return Error{Errc::limit, "the value of the state's key \"" + std::string{change.key} + "\" has " + std::to_string(change.value.size()) +
                                          " bytes; " + std::to_string(max_value_bytes) + " are allowed"};
    }
    return {};
}

// SQLite would make the file with the mode of the umask.
Result<void> make_private_file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return file_error("open the state", path, errno, errno == ELOOP ? "it is a symbolic link; name the directory of the file itself" : "");
    struct stat info {};
    const int code = ::fstat(fd, &info) == 0 ? 0 : errno;
    ::close(fd); // before SQLite opens it: a later close would drop SQLite's locks
    if (code != 0) return file_error("look at", path, code);
    if (!S_ISREG(info.st_mode)) return file_error("use as a state", path, EINVAL, "it is no regular file");
    return {};
}

} // namespace

std::string Store::file_of(const std::string& directory, const std::string& pipeline) {
    return (std::filesystem::path{directory} / (pipeline + ".db")).string();
}

std::string Store::lock_of(const std::string& directory, const std::string& pipeline) {
    return (std::filesystem::path{directory} / (pipeline + ".lock")).string();
}

bool Store::exists(const std::string& directory, const std::string& pipeline) {
    // Where nobody may look it is not known to be absent: who opens it is told why.
    return ::access(file_of(directory, pipeline).c_str(), F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

Store::~Store() {
    database_.reset(); // before the lock: whoever waits for it finds a closed file
}

Result<std::unique_ptr<Store>> Store::open(const std::string& directory, const std::string& pipeline, Access access) {
    std::unique_ptr<Store> self{new Store{file_of(directory, pipeline), lock_of(directory, pipeline)}};
    Result<void> opened = access == Access::write ? self->open_for_writing(directory) : self->open_for_reading();
    if (!opened.ok()) return std::move(opened).error();
    if (access == Access::read && self->version_ < schema_version) {
        self.reset(); // an older file can be read once it was migrated, which is a change
        Result<std::unique_ptr<Store>> migrated = open(directory, pipeline, Access::write);
        if (!migrated.ok()) return migrated;
        return open(directory, pipeline, Access::read);
    }
    return self;
}

Result<void> Store::open_for_writing(const std::string& directory) {
    if (Result<void> made = make_directories(directory); !made.ok()) return made;
    if (Result<void> local = require_local(directory); !local.ok()) return local;
    Result<LockFile> lock = LockFile::take(lock_path_);
    if (!lock.ok()) return std::move(lock).error();
    lock_.emplace(std::move(*lock));
    if (Result<void> made = make_private_file(path_); !made.ok()) return made;
    const Result<Identity> before = identity_of(path_);
    if (!before.ok()) return before.error();
    file_ = *before;
    Result<std::unique_ptr<Database>> database = Database::open(path_, true);
    if (!database.ok()) return std::move(database).error();
    database_ = std::move(*database);
    if (Result<void> ready = prepare(); !ready.ok()) return ready;
    const Result<Identity> log = identity_of(path_ + "-wal");
    if (!log.ok()) return log.error();
    log_ = *log;
    if (Result<void> synced = sync_directory(directory); !synced.ok()) return synced;
    return in_place();
}

Result<void> Store::open_for_reading() {
    if (::access(path_.c_str(), F_OK) != 0) return file_error("read the state", path_, errno);
    Result<std::unique_ptr<Database>> database = Database::open(path_, false);
    if (!database.ok()) return std::move(database).error();
    database_ = std::move(*database);
    const Result<std::string> tables = database_->ask("SELECT count(*) FROM sqlite_schema");
    if (!tables.ok()) return tables.error();
    if (*tables == "0") {
        unmade_ = true;
        version_ = schema_version;
    } else if (Result<void> ours = require_ours(); !ours.ok()) {
        return ours;
    }
    return database_->run("PRAGMA query_only = ON");
}

Result<void> Store::require_ours() {
    const Result<std::string> id = database_->ask("PRAGMA application_id");
    if (!id.ok()) return id.error();
    if (*id != application_id)
        return Error{Errc::state,
                     "the file '" + path_ + "' is a database, but no state of fluxgate; put it aside, or name another directory with --state DIR"};
    const Result<std::string> version = database_->ask("SELECT version FROM schema");
    if (!version.ok()) return version.error();
    version_ = std::strtoll(version->c_str(), nullptr, 10);
    if (version_ <= schema_version) return {};
    return Error{Errc::state, "the state '" + path_ + "' has version " + *version + ", but this program knows versions up to " +
                                  std::to_string(schema_version) + ": a newer fluxgate wrote it; use that one"};
}

// Journal, sync and tables. An empty file gets them, an older one is brought up to date.
Result<void> Store::prepare() {
    const Result<std::string> found = database_->ask("SELECT count(*) FROM sqlite_schema");
    if (!found.ok()) return found.error();
    if (*found != "0") { // before anything is changed
        if (Result<void> ours = require_ours(); !ours.ok()) return ours;
    }
    const Result<std::string> mode = database_->ask("PRAGMA journal_mode = WAL");
    if (!mode.ok()) return mode.error();
    if (*mode != "wal")
        return Error{Errc::state, "the state '" + path_ + "' cannot have a write-ahead log there; name a directory on a local disk with --state DIR"};
    if (Result<void> set = database_->run("PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON"); !set.ok())
        return set;
    const Result<std::string> sound = database_->ask("PRAGMA quick_check(1)");
    if (!sound.ok()) return sound.error();
    if (*sound != "ok")
        return Error{Errc::state, "the state '" + path_ + "' is damaged (" + *sound +
                                      "): put that file aside, and restore a copy or give the place to go on from with `fluxgate cursor set`"};

    Transaction transaction{*database_};
    if (Result<void> begun = transaction.begin(); !begun.ok()) return begun;
    const Result<std::string> tables = database_->ask("SELECT count(*) FROM sqlite_schema");
    if (!tables.ok()) return tables.error();
    if (*tables == "0") {
        if (Result<void> made = database_->run(create_all); !made.ok()) return made;
    }
    if (Result<void> ours = require_ours(); !ours.ok()) return ours;
    for (; version_ < schema_version; ++version_) {
        const auto step = static_cast<std::size_t>(version_);
        if (Result<void> done = database_->run(migrations.at(step)); !done.ok()) return done;
    }
    return transaction.commit();
}

Result<void> Store::in_place() const {
    if (Result<void> held = lock_->in_place(); !held.ok()) return held;
    for (const auto& [path, known] : {std::pair{path_, file_}, std::pair{path_ + "-wal", log_}}) {
        const Result<Identity> now = identity_of(path);
        if (now.ok() && *now == known) continue;
        return Error{Errc::state, "the state '" + path + "' was removed or replaced while it was open; what is written there would be lost, so " +
                                      "nothing more is: put the file back, or start again, which goes on from what is there then"};
    }
    return {};
}

Result<std::optional<std::string>> Store::get(const Owner& owner, std::string_view key) {
    const std::scoped_lock lock{mutex_};
    if (failed_) return *failed_;
    if (unmade_) return std::optional<std::string>{};
    Statement statement{*database_, "SELECT value FROM state WHERE stage = ?1 AND part = ?2 AND key = ?3"};
    const Result<bool> row = statement.bind(1, owner.stage).bind(2, owner.partition).bind(3, key).step();
    if (!row.ok()) return row.error();
    if (!*row) return std::optional<std::string>{};
    return std::optional<std::string>{statement.text(0)};
}

Result<std::uint64_t> Store::size_of(const Owner& owner, std::string_view key) {
    const std::scoped_lock lock{mutex_};
    if (failed_) return *failed_;
    Statement statement{*database_, "SELECT coalesce(sum(length(value)), 0) FROM state WHERE stage = ?1 AND part = ?2 AND "
                                    "(key = ?3 OR substr(key, 1, length(?3) + 1) = ?3 || '.')"};
    const Result<bool> row = statement.bind(1, owner.stage).bind(2, owner.partition).bind(3, key).step();
    if (!row.ok()) return row.error();
    return std::strtoull(statement.text(0).c_str(), nullptr, 10);
}

Result<void> Store::commit(const Owner& owner, const std::vector<Change>& changes) {
    if (Result<void> good = check_changes(owner, changes); !good.ok()) return good;
    const std::scoped_lock lock{mutex_};
    if (failed_) return *failed_;
    if (!lock_) return Error{Errc::state, "the state '" + path_ + "' was opened for reading only"};
    Result<void> done = in_place();
    const bool there = done.ok();
    if (there) done = apply(owner, changes);
    const bool applied = done.ok();
    if (applied) done = in_place(); // it may have gone while we wrote
    if (!done.ok() && (!there || applied || database_->broken())) failed_ = done.error();
    return done;
}

bool Store::failed() const {
    const std::scoped_lock lock{mutex_};
    return failed_.has_value();
}

Result<void> Store::apply(const Owner& owner, const std::vector<Change>& changes) {
    Transaction transaction{*database_};
    if (Result<void> begun = transaction.begin(); !begun.ok()) return begun;
    for (const Change& change : changes) {
        Statement statement{*database_, change.erase ? "DELETE FROM state WHERE stage = ?1 AND part = ?2 AND key = ?3"
                                                     : "INSERT INTO state (stage, part, key, value) VALUES (?1, ?2, ?3, ?4) "
                                                       "ON CONFLICT (stage, part, key) DO UPDATE SET value = excluded.value"};
        statement.bind(1, owner.stage).bind(2, owner.partition).bind(3, change.key);
        if (!change.erase) statement.bind_blob(4, change.value);
        if (const Result<bool> done = statement.step(); !done.ok()) return done.error();
    }
    const Result<std::string> keys = database_->ask("SELECT count(*) FROM state");
    if (!keys.ok()) return keys.error();
    if (std::strtoll(keys->c_str(), nullptr, 10) > max_keys)
        return Error{Errc::limit, "the state '" + path_ + "' would have more than " + std::to_string(max_keys) + " keys"};
    return transaction.commit();
}

} // namespace fluxgate::state
