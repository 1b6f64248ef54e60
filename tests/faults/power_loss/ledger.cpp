#include "ledger.hpp"

#include "sample_server/engine.hpp"

#include <algorithm>
#include <rapidjson/document.h>
#include <sqlite3.h>
#include <stdexcept>

namespace fluxgate::power_loss {

namespace fs = std::filesystem;

namespace {

constexpr const char *opens = "the state opens", *no_half = "no half file has a final name",
                     *not_ahead = "the cursor is not ahead of what is durable", *served = "only rows that were served are delivered",
                     *one_id = "duplicates 0 after dropping repeated rowIds", *none_lost = "rows lost 0",
                     *not_again = "no row that the cursor has passed comes again", *in_place = "rows are in files, bad ones among the dead letters",
                     *at_stop = "the cursor stands at incremental.stop";

std::int64_t nanoseconds_of(std::string_view time) {
    const auto parsed = sample::parse_time(time);
    if (!parsed) throw std::runtime_error{"not a time: " + std::string{time}};
    return parsed->ns;
}

std::string_view between(std::string_view text, std::string_view begin, std::string_view end) {
    const std::size_t at = text.find(begin);
    if (at == std::string_view::npos) return {};
    const std::size_t from = at + begin.size(), to = text.find(end, from);
    return to == std::string_view::npos ? std::string_view{} : text.substr(from, to - from);
}

std::string_view payload_of(std::string_view message) {
    constexpr std::string_view mark = "\"userProperties\":[],\"payload\":";
    const std::size_t at = message.find(mark);
    if (at == std::string_view::npos || message.back() != '}') return {};
    return message.substr(at + mark.size(), message.size() - at - mark.size() - 1);
}

std::string beginning(std::string_view text) {
    return std::string{text.substr(0, 200)};
}

template <class Each>
void for_each_line(std::string_view text, Each each) {
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        each(text.substr(0, end), end != std::string_view::npos);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

// A message in a file or in a dead letter, counted.
class Counting {
public:
    Counting(const Oracle& oracle, std::vector<Violation>& violations) : oracle_(oracle), violations_(violations) {}

    void message(std::string_view message, const std::string& where, std::vector<std::uint32_t>& counts) {
        const std::optional<std::size_t> row = oracle_.find(payload_of(message));
        if (!row) {
            violations_.push_back({served, where + ": " + beginning(message)});
            return;
        }
        ++counts[*row];
        const std::string id{between(message, "\"rowId\":\"", "\"")};
        const auto [of_row, first] = ids_.try_emplace(*row, id);
        if (of_row->second != id)
            violations_.push_back({one_id, where + ": the row has the rowIds " + of_row->second + " and " + id + ": " + beginning(message)});
        if (const auto [of_id, fresh] = rows_.try_emplace(id, *row); of_id->second != *row)
            violations_.push_back({one_id, where + ": two rows have the rowId " + id + ": " + beginning(message)});
    }

private:
    const Oracle& oracle_;
    std::vector<Violation>& violations_;
    std::unordered_map<std::size_t, std::string> ids_;
    std::unordered_map<std::string, std::size_t> rows_;
};

class Connection {
public:
    explicit Connection(const fs::path& file) { code_ = sqlite3_open_v2(file.c_str(), &raw_, SQLITE_OPEN_READWRITE, nullptr); }
    ~Connection() { sqlite3_close(raw_); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // The first column of the first row; none: no row. Throws what SQLite says.
    std::optional<std::string> ask(const char* sql) {
        sqlite3_stmt* statement = nullptr;
        if (code_ != SQLITE_OK || sqlite3_prepare_v2(raw_, sql, -1, &statement, nullptr) != SQLITE_OK) throw std::runtime_error{sqlite3_errmsg(raw_)};
        std::optional<std::string> out;
        const int code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            out.emplace(static_cast<const char*>(sqlite3_column_blob(statement, 0)), static_cast<std::size_t>(sqlite3_column_bytes(statement, 0)));
        sqlite3_finalize(statement);
        if (code != SQLITE_ROW && code != SQLITE_DONE) throw std::runtime_error{sqlite3_errmsg(raw_)};
        return out;
    }

private:
    sqlite3* raw_ = nullptr;
    int code_ = SQLITE_OK;
};

} // namespace

Oracle::Oracle(const std::string& query) {
    const auto expected = sample::expect(query, sample::Time{0});
    if (!expected.ok()) throw std::runtime_error{expected.error().text()};
    for (const sample::ExpectedMessage& message : expected->messages) {
        const std::string_view time = between(message.payload, "\"_time\":\"", "\"");
        rows_.push_back({message.payload, nanoseconds_of(time), time.size() > 4 && time.find("0:30") != std::string_view::npos});
    }
    for (std::size_t i = 0; i < rows_.size(); ++i)
        if (!by_payload_.emplace(rows_[i].payload, i).second) throw std::runtime_error{"two rows are the same: " + rows_[i].payload};
}

std::optional<std::size_t> Oracle::find(std::string_view payload) const {
    const auto found = by_payload_.find(payload);
    return found == by_payload_.end() ? std::nullopt : std::optional{found->second};
}

bool is_final(std::string_view name) {
    const std::string directory = std::string{output_directory} + "/";
    return name.substr(0, directory.size()) == directory && name.substr(name.rfind('/') + 1).substr(0, 10) != ".fluxgate~";
}

bool Claim::covers(std::int64_t time) const {
    if (!there) return false;
    if (time < position) return true;
    return std::any_of(passed.begin(), passed.end(), [time](const auto& window) { return window.first <= time && time < window.second; });
}

Claim Ledger::read_claim(const fs::path& root, std::vector<Violation>& violations) const {
    Claim out;
    const fs::path file = root / state_directory / (std::string{pipeline_id} + ".db");
    if (!fs::exists(file)) return out;
    try {
        Connection database{file};
        database.ask("PRAGMA synchronous = OFF"); // what is written back here is thrown away
        if (const auto sound = database.ask("PRAGMA integrity_check(1)"); sound != "ok")
            throw std::runtime_error{"it is damaged: " + sound.value_or("")};
        if (database.ask("SELECT count(*) FROM sqlite_schema") == "0") return out; // made, and nothing in it yet
        const auto text = database.ask("SELECT value FROM state WHERE stage = 'input' AND key = 'cursor'");
        if (!text) return out;
        rapidjson::Document cursor;
        if (cursor.Parse(text->data(), text->size()).HasParseError()) throw std::runtime_error{"the cursor is no JSON: " + *text};
        out.there = true;
        out.position = nanoseconds_of(cursor["position"].GetString());
        for (const auto& window : cursor["passed"].GetArray())
            out.passed.emplace_back(nanoseconds_of(window[0].GetString()), nanoseconds_of(window[1].GetString()));
    } catch (const std::runtime_error& trouble) {
        violations.push_back({opens, trouble.what()});
    }
    return out;
}

Delivery Ledger::read_delivery(const fs::path& root, std::vector<Violation>& violations) const {
    Delivery out;
    out.in_files.resize(oracle_.rows().size());
    out.in_letters.resize(oracle_.rows().size());
    Counting counting{oracle_, violations};
    if (fs::exists(root / output_directory)) {
        for (const auto& entry : fs::recursive_directory_iterator{root / output_directory}) {
            const std::string name = entry.path().lexically_relative(root).string();
            if (!entry.is_regular_file() || !is_final(name)) continue;
            const std::string text = bytes_of(entry.path());
            const bool array = text.substr(0, 2) == "[\n";
            if (text.empty() || text.back() != '\n' || (array && (text.size() < 5 || text.substr(text.size() - 3) != "\n]\n")))
                violations.push_back({no_half, name + " does not end as a whole file does"});
            for_each_line(text, [&](std::string_view line, bool) {
                if (array && (line == "[" || line == "]")) return;
                if (array && !line.empty() && line.back() == ',') line.remove_suffix(1);
                counting.message(line, name, out.in_files);
            });
        }
    }
    if (!fs::exists(root / letter_file)) return out;
    for_each_line(bytes_of(root / letter_file), [&](std::string_view line, bool ended) {
        // What was not synced may be torn; what was not torn is a record.
        rapidjson::Document letter;
        if (!ended || letter.Parse(line.data(), line.size()).HasParseError() || !letter.IsObject()) return;
        counting.message({letter["raw"].GetString(), letter["raw"].GetStringLength()}, letter_file, out.in_letters);
    });
    return out;
}

void Ledger::compare(const Holding& holding, std::vector<Violation>& violations) const {
    std::size_t missing = 0;
    for (std::size_t i = 0; i < oracle_.rows().size(); ++i) {
        const Row& row = oracle_.rows()[i];
        const std::uint32_t times = row.bad ? holding.delivery.in_letters[i] : holding.delivery.in_files[i];
        if (times == 0 && holding.claim.covers(row.time) && ++missing == 1)
            violations.push_back({not_ahead, std::string{row.bad ? "no dead letter" : "no file"} + " holds " + row.payload});
    }
    if (missing > 1) violations.back().detail += " and " + std::to_string(missing - 1) + " more";
}

Holding Ledger::after_power_loss(const fs::path& root, const std::map<std::string, std::string_view>& whole,
                                 std::vector<Violation>& violations) const {
    for (const auto& [name, bytes] : whole)
        if (bytes_of(root / name) != bytes) violations.push_back({no_half, name + " is not what it was to be"});
    return after_exit(root, violations);
}

Holding Ledger::after_exit(const fs::path& root, std::vector<Violation>& violations) const {
    const Holding out{read_claim(root, violations), read_delivery(root, violations)};
    compare(out, violations);
    return out;
}

std::uint64_t Ledger::after_recovery(const fs::path& root, const Holding& before, std::int64_t stop, std::vector<Violation>& violations) const {
    const Holding now = after_exit(root, violations);
    if (!now.claim.there || now.claim.position != stop || !now.claim.passed.empty())
        violations.push_back({at_stop, "it stands at " + sample::time_text(sample::Time{now.claim.position})});
    std::uint64_t repeated = 0;
    std::size_t lost = 0, displaced = 0, again = 0;
    const auto note = [&](const char* equation, std::size_t& count, const Row& row) {
        if (++count == 1) violations.push_back({equation, row.payload});
    };
    for (std::size_t i = 0; i < oracle_.rows().size(); ++i) {
        const Row& row = oracle_.rows()[i];
        const std::uint32_t times = now.delivery.times(i), then = before.delivery.times(i);
        if (times == 0) note(none_lost, lost, row);
        if ((row.bad ? now.delivery.in_files[i] : now.delivery.in_letters[i]) != 0) note(in_place, displaced, row);
        if (before.claim.covers(row.time) && times != then) note(not_again, again, row);
        if (times > 1) repeated += times - 1;
    }
    // Whoever writes there first removes what an earlier run left unfinished.
    if (now.delivery.in_files != before.delivery.in_files)
        for (const auto& entry : fs::directory_iterator{root / output_directory})
            if (entry.path().extension() == ".part") violations.push_back({"no unfinished file stays", entry.path().filename().string()});
    return repeated;
}

} // namespace fluxgate::power_loss
