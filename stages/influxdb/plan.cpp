#include "plan.hpp"

#include "config/duration.hpp"
#include "connection.hpp"
#include "look_back.hpp"
#include "request.hpp"
#include "rows.hpp"
#include "window/planner.hpp"
#include "window/split.hpp"
#include "windows.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace fluxgate::influxdb {

namespace {

constexpr std::uint64_t most_rows = 100'000;
constexpr std::size_t shown_windows = 5, shown_messages = 3, shown_message_bytes = 64u << 10;

std::string quoted(std::string_view text) {
    std::string out;
    stage::detail::append_json_string(out, text);
    return out;
}

std::string number(double value, const char* format) {
    char text[48];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

// The host of the rows that a plan reads: dead letters are counted instead of kept, and nothing is logged or measured.
class CountingHost {
public:
    explicit CountingHost(stage::Host host) : host_(host), table_(*host.table()) {
        table_.size = sizeof table_;
        table_.context = this;
        table_.log = [](void*, std::int32_t, fg_text, fg_text, const fg_field*, std::size_t) {};
        table_.metric = [](void*, std::int32_t, fg_text, const fg_field*, std::size_t, double) {};
        table_.set_health = [](void*, std::int32_t, fg_text, fg_text) {};
        table_.complete = [](void*, std::uint64_t, std::int32_t) {};
        table_.resolve_secret = [](void*, fg_text, fg_secret*, fg_error*) -> std::int32_t { return FG_ERR_SECRET; };
        table_.state_get = [](void*, fg_text, fg_blob*, fg_error*) -> std::int32_t { return FG_ERR_STATE; };
        table_.state_commit = [](void*, const fg_state_change*, std::size_t, fg_error*) -> std::int32_t { return FG_ERR_STATE; };
        table_.monotonic_ns = [](void* self) { return static_cast<CountingHost*>(self)->host_.monotonic_ns(); };
        table_.wall_ns = [](void* self) { return static_cast<CountingHost*>(self)->host_.wall_ns(); };
        table_.dead_letter = [](void* self, const fg_dead_letter* letter, fg_error*) -> std::int32_t {
            CountingHost& host_of = *static_cast<CountingHost*>(self);
            if (host_of.letters_.empty()) host_of.first_ = std::string{stage::to_view(letter->text)};
            ++host_of.letters_[std::string{stage::to_view(letter->code)}];
            return FG_OK;
        };
    }
    CountingHost(const CountingHost&) = delete;
    CountingHost& operator=(const CountingHost&) = delete;

    [[nodiscard]] stage::Host host() const { return stage::Host{&table_}; }
    [[nodiscard]] const std::map<std::string, std::uint64_t>& letters() const { return letters_; }
    [[nodiscard]] const std::string& first() const { return first_; }

private:
    stage::Host host_;
    fg_host table_;
    std::map<std::string, std::uint64_t> letters_;
    std::string first_;
};

// Hands a body on to the rows, and counts what its columns weigh.
class Scales : public http::BodySink {
public:
    Scales(const Settings& settings, Rows& rows) : rows_(rows), reader_(reader_limits(settings)) {}

    void on_body(std::string_view bytes) override {
        rows_.on_body(bytes);
        bytes_ += bytes.size();
        reader_.feed(bytes);
        for (flux::Event e = reader_.next(); e != flux::Event::need_more && e != flux::Event::failed; e = reader_.next())
            if (e == flux::Event::row) weigh(reader_.row());
    }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

    // JSON text of the columns, heaviest first.
    [[nodiscard]] std::string columns_json() const {
        std::vector<std::pair<std::string, Column>> sorted{columns_.begin(), columns_.end()};
        std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second.bytes > b.second.bytes; });
        std::string out = "[";
        for (const auto& [name, column] : sorted) {
            if (out.size() > 1) out += ',';
            out += "{\"name\":" + quoted(name) + ",\"bytes\":" + std::to_string(column.bytes) +
                   ",\"share\":" + number(static_cast<double>(column.bytes) / static_cast<double>(std::max<std::uint64_t>(bytes_, 1)), "%.3f") +
                   ",\"note\":" + quoted(note(name, column)) + "}";
        }
        return out + ']';
    }

private:
    struct Column {
        std::uint64_t bytes = 0, rows = 0;
        std::string first;
        bool constant = true;
    };

    void weigh(const flux::Row& row) {
        const flux::Table& table = reader_.table();
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            if (static_cast<int>(i) == table.result_column || static_cast<int>(i) == table.table_column) continue;
            Column& column = columns_[table.columns[i].name];
            const flux::Field& field = row.fields[i];
            const std::string_view value = field.size == 0 ? std::string_view{table.columns[i].default_value} : field.raw();
            column.bytes += field.size + 1u;
            if (column.rows++ == 0) column.first = value.substr(0, 4096);
            column.constant = column.constant && value == column.first;
        }
    }

    static std::string note(const std::string& name, const Column& column) {
        if (name == "_start" || name == "_stop") return "the ends of the range, the same in each row of it: drop(columns: [\"_start\", \"_stop\"])";
        if (column.constant && column.first.empty()) return "empty in every row";
        if (column.constant && column.rows > 1 && name != "_time") return "the same in every row";
        return {};
    }

    Rows& rows_;
    flux::Reader reader_;
    std::uint64_t bytes_ = 0;
    std::map<std::string, Column> columns_;
};

class Plan {
public:
    Plan(const Settings& settings, stage::Host host, std::shared_ptr<partition::Partitioner> partitioner, std::int64_t deadline_ns,
         const stage::LineSink& line, bool accept_changed_query)
        : settings_(settings), host_(host), deadline_ns_(deadline_ns), accept_changed_query_(accept_changed_query), line_(line), counting_(host),
          rows_(settings, std::move(partitioner), counting_.host()), scales_(settings, rows_), client_(make_client(settings, host)) {}

    Result<void> run() {
        if (settings_.incremental) {
            if (Result<void> planned = plan_windows(); !planned.ok()) return planned;
        }
        std::string query = R"({"item":"query","text":)" + quoted(settings_.query);
        if (range_) query += ",\"range\":" + window_json(*range_);
        if (looks_back()) query += ",\"window\":" + window_json(window_);
        query += split_json();
        if (!obstacle_.empty()) query += ",\"refused\":" + quoted(obstacle_);
        say(query + "}");
        if (!windows_.empty()) say(windows_);
        if (refused_) return *refused_; // as a run would end
        if (settings_.incremental && !range_) return wanted_ ? Result<void>{} : unwanted();
        if (wanted_) {
            if (Result<void> done = read(); !done.ok()) return done;
            report();
        }
        return wanted_ ? Result<void>{} : unwanted();
    }

private:
    void say(const std::string& json) { wanted_ = wanted_ && line_(json); }
    static Error unwanted() { return Error{Errc::cancelled, "the plan was ended early"}; }

    // How `read` is cut where time cannot be.
    [[nodiscard]] std::string split_json() const {
        if (!settings_.incremental || !settings_.incremental->read || !window::is_divisible(*settings_.incremental->read)) return {};
        const window::ReadSpec& read = *settings_.incremental->read;
        const auto smallest = std::chrono::nanoseconds{window::smallest_window(planner_policy(*settings_.incremental))};
        const std::vector<window::ReadSpec> parts =
            window::parts_of(read, read.measurements.empty() ? std::vector<std::string>{"..."} : read.measurements);
        std::string names;
        for (const window::ReadSpec& part : parts)
            if (!read.measurements.empty()) names += (names.empty() ? "" : ",") + quoted(part.measurements.front());
        std::string out = R"(,"split":{"smallest":)" + quoted(config::format_duration(smallest)) + ",\"measurements\":[" + names + "]";
        if (read.measurements.empty()) out += ",\"names\":" + quoted(window::flux_of_measurements(read));
        return out + ",\"text\":" + quoted(window::flux_of(parts.front())) + "}";
    }

    // The next windows, as the planner gives them when each has rows. Without state reading is taken to begin at start.
    Result<void> plan_windows() {
        const Incremental& plan = *settings_.incremental;
        const std::int64_t now = host_.wall_ns();
        window::Cursor cursor;
        cursor.position = plan.start.value_or(window::plus(now, -plan.past.count()));
        const auto stored = host_.state_get("cursor");
        const bool from_cursor = stored.ok() && stored->exists();
        if (from_cursor) {
            Result<window::Cursor> parsed = stored_cursor(stored->value());
            if (!parsed.ok()) return std::move(parsed).error();
            cursor = std::move(*parsed);
            if (Result<void> able = may_go_on(cursor, query_identity(settings_)); !able.ok() && !accept_changed_query_) refused_ = able.error();
        }
        std::string note = stored.ok() ? "" : "the state cannot be read: " + stored.error().message;
        obstacle_ = refused_ ? refused_->message : stored.ok() ? "" : stored.error().message;
        window::Planner planner{planner_policy(plan), cursor};
        planner.begin_tick(now);
        std::string next;
        std::size_t count = 0;
        for (; count < shown_windows; ++count) {
            const window::Planner::Step step = planner.next(now);
            if (step.kind != window::Planner::Step::Kind::read) break;
            if (!range_) {
                window_ = step.edges;
                find_range(from_cursor ? &cursor : nullptr, planner.position(), step.look_back, note);
            }
            next += (next.empty() ? "" : ",") + window_json(step.edges);
            planner.complete(step.id, 1);
        }
        if (looks_back())
            note += (note.empty() ? "" : "; ") +
                    ("the query also reads " + config::format_duration(std::chrono::nanoseconds{window_.start - range_->start})) +
                    " before its window for late rows; what was delivered of that is left out";
        windows_ = R"({"item":"windows","note":)" + quoted(note) + R"(,"cursor":")" + window::format_instant(cursor.position) + R"(","from":")" +
                   (from_cursor ? "cursor" : "start") + R"(","next":[)" + next + R"(],"behindSeconds":)" +
                   number(static_cast<double>(now - cursor.position) / 1e9, "%.0f") + "}";
        return {};
    }

    [[nodiscard]] bool looks_back() const { return range_ && range_->start < window_.start; }

    // What a run would ask the first window for, and what it would leave out of that.
    void find_range(const window::Cursor* stored, window::Instant position, bool look_back, std::string& note) {
        range_ = window_;
        const std::int64_t lookback = settings_.incremental->lookback.count();
        if (lookback <= 0) return;
        if (Result<void> loaded = load_memory(host_, stored, query_identity(settings_), position, memory_); !loaded.ok()) {
            if (note.empty()) note = loaded.error().message; // it may also be that a run has changed it meanwhile
            memory_ = window::Fingerprints{};
            return;
        }
        if (look_back) range_ = look_back_range(window_, lookback, memory_);
    }

    Result<void> read() {
        Result<stage::Secret> token = host_.secret(settings_.secret_name);
        if (!token.ok()) return std::move(token).error();
        const bool remembers = settings_.incremental && settings_.incremental->lookback.count() > 0;
        range_ ? rows_.begin_window(window_, remembers ? &memory_ : nullptr) : rows_.begin();
        began_ns_ = host_.monotonic_ns();
        client_.start(query_request(settings_, token->value(), range_ ? &*range_ : nullptr), scales_);
        for (http::Event event = http::Event::nothing; event != http::Event::finished;) {
            const std::int64_t left = deadline_ns_ - host_.monotonic_ns();
            if (left <= 0 && rows_.counts().rows == 0) {
                client_.abort();
                return Error{Errc::timeout, "the time was up before the first row came; give it more with --timeout"};
            }
            if (left <= 0) return stop_early("the time was up");
            event = client_.run(std::chrono::nanoseconds{left});
            drain();
            if (event == http::Event::failed) return client_.error();
            if (rows_.fatal()) return *rows_.fatal();
            if (rows_.too_large()) return stop_early("the window has more distinct rows than one may have; it will be halved");
            if (rows_.failure() != nullptr) {
                Error error{rows_.failure()->code, "the answer cannot be used: " + rows_.failure()->message};
                error.server_text = rows_.failure()->server_text;
                client_.abort();
                return error;
            }
            if (rows_.counts().rows >= most_rows) return stop_early("only the first rows were read");
        }
        const http::Head& head = client_.head();
        if (head.status < 200 || head.status > 299) return status_error(settings_, head, client_.error_body());
        const std::string missing = client_.complete() ? rows_.finish() : client_.incomplete_reason();
        if (!missing.empty()) return Error{Errc::incomplete, "the answer is not complete: " + missing};
        drain();
        return {};
    }

    Result<void> stop_early(const std::string& why) {
        note_ = why;
        client_.abort();
        drain();
        return {};
    }

    void drain() {
        rows_.batcher().flush();
        while (std::optional<fg_batch> batch = rows_.batcher().take()) {
            partitions_[batch->partition] += batch->count;
            for (std::uint32_t i = 0; i < batch->count && messages_.size() < shown_messages; ++i)
                if (batch->messages[i].size <= shown_message_bytes)
                    messages_.emplace_back(batch->text + batch->messages[i].offset, batch->messages[i].size);
            batch->release(&*batch);
        }
    }

    void report() {
        const auto rows = static_cast<double>(std::max<std::uint64_t>(rows_.counts().rows, 1));
        say(R"({"item":"rows","rows":)" + std::to_string(rows_.counts().rows) + ",\"bytes\":" + std::to_string(scales_.bytes()) +
            ",\"bytesPerRow\":" + number(static_cast<double>(scales_.bytes()) / rows, "%.1f") +
            ",\"seconds\":" + number(static_cast<double>(host_.monotonic_ns() - began_ns_) / 1e9, "%.3f") +
            (looks_back() ? ",\"suppressed\":" + std::to_string(rows_.counts().suppressed) : "") +
            ",\"complete\":" + (note_.empty() ? "true" : "false") + ",\"note\":" + quoted(note_) + "}");
        say(R"({"item":"columns","columns":)" + scales_.columns_json() + "}");
        for (const std::string& message : messages_)
            say(R"({"item":"message","message":)" + message + "}");
        std::string counts;
        for (const auto& [partition, count] : partitions_)
            counts += std::string{counts.empty() ? "" : ","} + "\"" + std::to_string(partition) + "\":" + std::to_string(count);
        say(R"({"item":"partitions","counts":{)" + counts + "}}");
        if (counting_.letters().empty()) return;
        counts.clear();
        for (const auto& [code, count] : counting_.letters())
            counts += std::string{counts.empty() ? "" : ","} + quoted(code) + ":" + std::to_string(count);
        say(R"({"item":"deadLetters","counts":{)" + counts + "},\"first\":" + quoted(counting_.first()) + "}");
    }

    const Settings& settings_;
    const stage::Host host_;
    const std::int64_t deadline_ns_;
    const bool accept_changed_query_;
    const stage::LineSink& line_;
    CountingHost counting_;
    Rows rows_;
    Scales scales_;
    http::Client client_;
    std::optional<window::Edges> range_; // that is asked for: of the first window, and what look-back reads before it
    window::Edges window_;
    window::Fingerprints memory_;           // of look-back
    std::string windows_, note_, obstacle_; // the last: what a run could not begin for
    std::optional<Error> refused_;          // a run would end so
    std::int64_t began_ns_ = 0;
    std::vector<std::string> messages_;
    std::map<std::uint32_t, std::uint64_t> partitions_;
    bool wanted_ = true;
};

} // namespace

Result<void> run_plan(const Settings& settings, stage::Host host, std::shared_ptr<partition::Partitioner> partitioner, std::int64_t deadline_ns,
                      const stage::LineSink& line, bool accept_changed_query) {
    return Plan{settings, host, std::move(partitioner), deadline_ns, line, accept_changed_query}.run();
}

} // namespace fluxgate::influxdb
