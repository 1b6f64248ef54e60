// A state directory of its own, and the SQLite file seen from outside.
#pragma once

#include "support/catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <sqlite3.h>
#include <string>

namespace fluxgate::test {

struct StateDirectory {
    StateDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "fluxgate-state-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        root = pattern;
        path = root + "/a/state";
    }
    ~StateDirectory() {
        std::error_code ignored; // a directory that stays behind fails no test
        std::filesystem::permissions(root, std::filesystem::perms::owner_all, ignored);
        std::filesystem::remove_all(root, ignored);
    }
    StateDirectory(const StateDirectory&) = delete;
    StateDirectory& operator=(const StateDirectory&) = delete;
    [[nodiscard]] std::string file(const std::string& name) const { return path + "/" + name; }

    std::string root, path; // `path` is not made
};

// Runs SQL on a file as any program could.
inline void run_sql(const std::string& file, const std::string& sql) {
    sqlite3* raw = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &raw) == SQLITE_OK);
    char* message = nullptr;
    const int code = sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, &message);
    INFO(sql << ": " << (message == nullptr ? "" : message));
    sqlite3_free(message);
    sqlite3_close(raw);
    REQUIRE(code == SQLITE_OK);
}

} // namespace fluxgate::test
