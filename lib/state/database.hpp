// SQLite behind values: a connection, statements, and errors that say what to do.
#pragma once

#include "fluxgate/error.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace fluxgate::state {

class Database;

// One run of one statement. Texts and blobs that are bound must live until it is done.
class Statement {
public:
    Statement(Database& database, std::string_view sql);
    ~Statement();
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    Statement& bind(int at, std::string_view text);
    Statement& bind(int at, std::int64_t number);
    Statement& bind_blob(int at, std::string_view bytes);

    // True: there is a row. False: it is done.
    Result<bool> step();
    [[nodiscard]] std::int64_t number(int column);
    [[nodiscard]] std::string text(int column); // of a text or a blob

private:
    Database& database_;
    sqlite3_stmt* raw_ = nullptr;
    int code_ = 0; // the first thing that went wrong
};

class Database {
public:
    // `create`: makes the file if need be. The connection waits a few seconds for another one's short locks.
    static Result<std::unique_ptr<Database>> open(const std::string& path, bool create);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    // Statements without parameters and without answers.
    Result<void> run(const char* sql);
    // The first column of the first row of a statement without parameters; "" when there is no row.
    Result<std::string> ask(std::string_view sql);

    // The last error, its code SQLite's own: what failed, where, and the next step.
    [[nodiscard]] Error error(int code) const;
    [[nodiscard]] sqlite3* raw() const noexcept { return raw_; }
    // Whether the last error leaves it open what is on the disk: then nothing more may be written through this connection.
    [[nodiscard]] bool broken() const noexcept { return broken_; }

private:
    explicit Database(std::string path) : path_(std::move(path)) {}
    std::string path_;
    sqlite3* raw_ = nullptr;
    mutable bool broken_ = false;
};

} // namespace fluxgate::state
