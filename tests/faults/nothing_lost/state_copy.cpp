#include "state_copy.hpp"

#include "sample_server/table.hpp"

#include <rapidjson/document.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>

namespace fluxgate::nothing_lost {

namespace {

struct Close {
    void operator()(sqlite3* db) const { sqlite3_close(db); }
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
};

std::uint32_t big_endian(std::string_view bytes, std::size_t at) {
    std::uint32_t out = 0;
    for (std::size_t i = 0; i < 4; ++i)
        out = out << 8 | static_cast<unsigned char>(bytes[at + i]);
    return out;
}

// https://www.sqlite.org/fileformat2.html#walformat: frames of the present generation have the salts of the header; the last one
// of a commit says how large the database is then, all others say 0.
bool ends_inside_a_commit(const std::string& log) {
    constexpr std::size_t header = 32, frame_header = 24;
    std::ifstream in{log, std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
    if (bytes.size() <= header) return false;
    const std::size_t frame = frame_header + big_endian(bytes, 8);
    bool open = false;
    std::size_t at = header;
    for (; at + frame <= bytes.size(); at += frame) {
        if (std::string_view{bytes}.substr(at + 8, 8) != std::string_view{bytes}.substr(16, 8)) return open;
        open = big_endian(bytes, at + 4) == 0;
    }
    return open || at != bytes.size();
}

std::optional<Instant> time_of(const rapidjson::Value& json) {
    if (!json.IsString()) return std::nullopt;
    const auto time = sample::parse_time({json.GetString(), json.GetStringLength()});
    return time ? std::optional{time->ns} : std::nullopt;
}

bool read_windows(const rapidjson::Value& json, const char* name, std::vector<Edges>& out) {
    const auto list = json.FindMember(name);
    if (list == json.MemberEnd() || !list->value.IsArray()) return false;
    for (const rapidjson::Value& w : list->value.GetArray()) {
        if (!w.IsArray() || w.Size() != 2) return false;
        const auto start = time_of(w[0]), stop = time_of(w[1]);
        if (!start || !stop) return false;
        out.push_back({*start, *stop});
    }
    return true;
}

bool read_cursor(const std::string& text, Snapshot& out) {
    rapidjson::Document json;
    json.Parse(text.data(), text.size());
    if (json.HasParseError() || !json.IsObject() || !json.HasMember("position")) return false;
    const auto position = time_of(json["position"]);
    if (!position || !read_windows(json, "planned", out.planned) || !read_windows(json, "passed", out.passed)) return false;
    out.exists = true;
    out.position = *position;
    return true;
}

// The stored cursor; none where the process had not come so far as to make one.
std::optional<std::string> stored_cursor(const std::string& copy, std::string& trouble) {
    sqlite3* raw = nullptr;
    const int opened = sqlite3_open_v2(copy.c_str(), &raw, SQLITE_OPEN_READWRITE, nullptr);
    const std::unique_ptr<sqlite3, Close> db{raw};
    const auto failed = [&] { trouble = "the state cannot be read: " + std::string{sqlite3_errmsg(raw)}; };
    if (opened != SQLITE_OK) {
        failed();
        return std::nullopt;
    }
    const auto ask = [&](const char* sql) -> std::optional<std::string> {
        sqlite3_stmt* statement = nullptr;
        const int prepared = sqlite3_prepare_v2(raw, sql, -1, &statement, nullptr);
        const std::unique_ptr<sqlite3_stmt, Close> owned{statement};
        const int stepped = prepared == SQLITE_OK ? sqlite3_step(statement) : prepared;
        if (stepped == SQLITE_DONE) return std::nullopt;
        if (stepped != SQLITE_ROW) {
            failed();
            return std::nullopt;
        }
        const void* bytes = sqlite3_column_blob(statement, 0);
        return std::string(bytes == nullptr ? "" : static_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement, 0)));
    };
    const auto sound = ask("PRAGMA quick_check(1)");
    if (!sound) return std::nullopt;
    if (*sound != "ok") trouble = "the state is damaged: " + *sound;
    if (!ask("SELECT name FROM sqlite_master WHERE name = 'state'")) return std::nullopt;
    return ask("SELECT value FROM state WHERE key = 'cursor'");
}

} // namespace

LeftState read_left_state(const std::string& file, const std::string& scratch) {
    namespace fs = std::filesystem;
    LeftState out;
    std::error_code code;
    if (!fs::exists(file, code)) return out;
    const std::string copy = scratch + "/copy.db";
    for (const char* end : {"-wal", "-shm", ""}) {
        fs::remove(copy + end, code);
        if (std::string_view{end} == "-shm") continue; // an index of the log, made anew by whoever finds none
        if (fs::exists(file + end) && !fs::copy_file(file + end, copy + end, code)) {
            out.trouble = "the state cannot be copied: " + code.message();
            return out;
        }
    }
    out.commit_cut = ends_inside_a_commit(copy + "-wal");
    const std::optional<std::string> cursor = stored_cursor(copy, out.trouble);
    if (!cursor) return out;
    out.cursor_json = *cursor;
    if (!read_cursor(*cursor, out.cursor)) out.trouble = "the stored cursor is none: " + *cursor;
    return out;
}

} // namespace fluxgate::nothing_lost
