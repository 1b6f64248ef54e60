// properties.rowId computed again by tests/support/row_ids.py, which shares no code with us: from the bytes of recordings, of the
// sample server, of awkward tables made by hand, and of everything that a server was asked in runs that were cut, halved and killed.
#include "sample_server/csv_writer.hpp"
#include "sample_server/engine.hpp"
#include "support/paths.hpp"
#include "support/process.hpp"
#include "support/recording.hpp"
#include "window_support.hpp"

#include <algorithm>
#include <csignal>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::test::windows;
using test::Reply;

namespace {

using Ids = std::vector<std::string>;

struct Window {
    Edges edges;
    std::vector<std::string> bodies;
};

// What the independent program says, window by window.
std::vector<Ids> independent(const std::vector<Window>& all) {
    const test::TempDirectory directory;
    std::vector<std::string> arguments{FLUXGATE_SOURCE_DIR "/tests/support/row_ids.py"};
    std::size_t number = 0;
    for (const Window& w : all) {
        arguments.push_back(window::format_instant(w.edges.start));
        arguments.push_back(window::format_instant(w.edges.stop));
        std::string files;
        for (const std::string& body : w.bodies)
            files += (files.empty() ? "" : ":") + directory.write(std::to_string(number++), body);
        arguments.push_back(files);
    }
    const test::Finished f = test::run_program(FLUXGATE_PYTHON3, arguments);
    INFO(f.err);
    REQUIRE(f.code == 0);
    std::vector<Ids> out(1);
    for (const std::string& line : test::lines_of(f.out))
        line.empty() ? static_cast<void>(out.emplace_back()) : out.back().push_back(line);
    if (out.back().empty()) out.pop_back();
    out.resize(all.size()); // windows without rows at the end
    return out;
}

Ids in_order(const test::SourceDriver& source) {
    Ids out;
    for (const test::Delivered& m : source.messages())
        out.push_back(member(m.text, "rowId"));
    return out;
}

// The ids of a body that the plugin reads as a window's.
Ids delivered(const std::string& wire, const Edges& edges, const std::string& more = {}) {
    test::WindowServer server;
    server.instead([&](const test::WindowServer::Asked&, std::size_t) { return Reply{{wire}}; });
    Run run{edges.stop};
    test::SourceDriver source{
        run.host, document(server, R"("start":")" + window::format_instant(edges.start) + R"(","delay":"0s","window":"24h")", more), true};
    (void)source.run(std::chrono::seconds{20}); // what came before an error table counts as well
    CHECK(run.host.letters().empty());
    return in_order(source);
}

std::string sample_answer(const std::string& query) {
    sample::Environment environment;
    environment.now = *sample::parse_time("2026-01-01T12:00:00Z");
    const auto read = sample::read_query(query, environment);
    REQUIRE(read.ok());
    const sample::Written nothing;
    const auto results = sample::evaluate(*read, nothing);
    REQUIRE(results.ok());
    std::string out;
    sample::CsvWriter writer{out, sample::Dialect::annotated()};
    for (const sample::NamedResult& result : *results) {
        writer.begin_result(result.name);
        for (const sample::Table& table : result.tables) {
            writer.begin_table(table.columns, table.key);
            CHECK_FALSE(table.rows([&](const sample::Row& row) {
                writer.row(row);
                return true;
            }));
            writer.end_table();
        }
        writer.end_result();
    }
    return out;
}

const Edges hour{noon - 60 * minute, noon};

} // namespace

TEST_CASE("an independent program computes the same rowIds from the bytes of every readable recording") {
    std::size_t rows = 0;
    for (const std::string& name : test::readable_recordings("influxd-2.7")) {
        if (name == "prefer-no-content") continue; // no rows were asked for
        INFO(name);
        const test::Recording r = test::load_recording("influxd-2.7", name);
        const Ids ids = delivered(r.wire, hour);
        REQUIRE(ids == independent({{hour, {r.body}}}).front());
        CHECK(ids.size() == r.expected.size());
        rows += ids.size();
    }
    CHECK(rows > 10'000);
}

TEST_CASE("an independent program computes the same rowIds of pivoted, grouped and limited tables and of several yields") {
    const std::string range = R"(from(bucket: "plant") |> range(start: 2026-01-01T11:00:00Z, stop: 2026-01-01T12:00:00Z) )";
    const std::string pivot = R"(|> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value"))";
    for (const std::string& query : {range, range + R"(|> filter(fn: (r) => r._measurement == "edges"))",
                                     range + R"(|> filter(fn: (r) => r._measurement == "machine") )" + pivot,
                                     range + R"(|> filter(fn: (r) => r._measurement == "machine" and r._field == "note") |> group())",
                                     range + R"(|> filter(fn: (r) => r._field == "temp") |> drop(columns: ["_time"]))",
                                     range + R"(|> filter(fn: (r) => r._field == "temp") |> drop(columns: ["_time", "_start"]))",
                                     range + R"(|> filter(fn: (r) => r._field == "running") |> keep(columns: ["_value"]))",
                                     range + R"(|> limit(n: 3) |> yield(name: "b"))" + range + R"(|> limit(n: 4) |> yield(name: "a"))"}) {
        INFO(query);
        const std::string body = sample_answer(query);
        const Ids ids = delivered(test::WindowServer::ok(body), hour);
        CHECK(ids.size() > 20);
        CHECK(ids == independent({{hour, {body}}}).front());
    }
}

TEST_CASE("an independent program computes the same rowIds of tables as nobody would like them") {
    const std::string body =
        // Repeated and unnamed columns, columns of a user that are called as the encoder's, defaults, nulls.
        "#datatype,string,long,string,string,string,double,string,dateTime:RFC3339,string\r\n#group,false,false,true,true,false,false,false,false,"
        "false\r\n#default,named,,,def,,1.5,,2026-01-01T11:00:00Z,\r\n,result,table,b,a,a,_value,,_time,result\r\n"
        ",,0,x,y,z,2,u,2026-01-01T11:00:01Z,mine\r\n,,0,x,,z,,u,,mine\r\n,,0,,,,,,,\r\n,,0,,,,,,,\r\n,other,1,x,y,z,2,u,2026-01-01T11:00:01Z,"
        "mine\r\n\r\n"
        // Quotes, line ends in quotes, separators and bytes that are no UTF-8 in values and names; no _time at all.
        "#datatype,string,long,dateTime:RFC3339,string,string\r\n#group,false,false,true,true,false\r\n#default,_result,,,,\"say \"\"no\"\"\"\r\n"
        ",result,table,_stop,\"a,b\"\"c\",n\xC3\xA4me\r\n,,0,2026-01-01T11:30:00Z,\"q\"\"uote,\r\nnext\nlast\",\r\n"
        ",,0,,\"\x1F\",\xFF\xFEraw\r\n,,0,,\" \t\",\xE2\x80\xA8\r\n,,0,,\"q\"\"uote,\r\nnext\nlast\",\x85\x0B\x0C\r\n\r\n"
        // Neither result nor table where the encoder has them.
        "#datatype,string,string,dateTime:RFC3339\r\n#group,false,false,false\r\n#default,,,\r\n,table,result,_start\r\n,t,r,\r\n,t,r,\r\n,,r,"
        "2026-01-01T11:00:00Z\r\n\r\n";
    const Ids ids = delivered(test::WindowServer::ok(body), hour);
    CHECK(ids.size() == 12);
    CHECK(std::set<std::string>{ids.begin(), ids.end()}.size() == 12);
    CHECK(ids == independent({{hour, {body}}}).front());
    // What has no time of its own is another row in another window, and nothing else is.
    const Edges other{noon - 61 * minute, noon};
    const Ids moved = delivered(test::WindowServer::ok(body), other);
    CHECK(moved == independent({{other, {body}}}).front());
    CHECK(std::count(moved.begin(), moved.end(), ids[0]) == 1);
    CHECK(std::count(moved.begin(), moved.end(), ids[6]) == 0);
}

TEST_CASE("rows read in one window, in halves, in another order and after a kill have the rowIds that an independent program computes") {
    test::WindowServer server;
    for (int i = 0; i < 4000; ++i) {
        const Instant at = noon - 60 * minute + i / 4 * 3 * s; // four rows share a time, also at the edges of halves
        server.add(at, std::to_string(i % 2), i % 4 < 2 ? "a" : "b");
    }
    const auto computed = [&] {
        std::vector<Window> asked;
        for (const Edges& edges : server.ranges())
            asked.push_back({edges, {server.body(edges)}});
        std::set<std::string> out;
        for (const Ids& ids : independent(asked))
            out.insert(ids.begin(), ids.end());
        server.forget();
        return out;
    };
    const std::string plan = R"("start":"2026-01-01T11:00:00Z","stop":"2026-01-01T12:00:00Z","delay":"0s","window":"1h")";
    const std::string retry = R"(,"retry":{"type":"fixed","initial":"1ms"})";
    std::vector<std::set<std::string>> all;
    const auto read = [&] {
        Run run{noon + minute};
        test::SourceDriver source{run.host, document(server, plan, retry), true};
        REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
        CHECK(source.messages().size() == 4000);
        all.push_back(ids_of(source));
        CHECK(all.back() == computed());
    };
    read();
    server.write_otherwise(true);
    read();
    server.instead([](const test::WindowServer::Asked& asked, std::size_t) {
        if (asked.range.stop - asked.range.start > 5 * minute) return Reply{{"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n"}};
        return Reply{};
    });
    read();
    server.write_otherwise(false);

    // The program itself, killed where it stands and begun anew; what was written to its end counts.
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.json", document(server, plan, retry + R"(,"batch":{"maxRows":100})"));
    const std::vector<std::string> arguments{"run", file, "--once", "--state", directory.path() + "/state", "--log-level", "error"};
    const std::map<std::string, std::string> environment{{"INFLUX_TOKEN", "t"}};
    std::set<std::string> got;
    std::size_t lines = 0, kills = 0;
    const auto take = [&](const std::string& out) {
        for (std::size_t at = 0, end = out.find('\n'); end != std::string::npos; at = end + 1, end = out.find('\n', at)) {
            got.insert(member(out.substr(at, end - at), "rowId"));
            ++lines;
        }
    };
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{100'000}, std::size_t{400'000}}) {
        server.write_otherwise(kills % 2 == 0);
        test::Process process{FLUXGATE_BINARY_DIR "/bin/fluxgate", arguments, environment, directory.path()};
        (void)process.until_output(bytes, std::chrono::seconds{20});
        process.signal(SIGKILL);
        const test::Finished f = process.wait(std::chrono::seconds{10});
        kills += f.code == 128 + SIGKILL ? 1 : 0;
        take(f.out);
    }
    const test::Finished f = test::run_program(FLUXGATE_BINARY_DIR "/bin/fluxgate", arguments, environment, directory.path());
    INFO(f.err);
    CHECK(f.code == 0);
    take(f.out);
    CHECK(kills > 0);
    CHECK(lines >= 4000);
    all.push_back(got);
    CHECK(got == computed());
    CHECK(all[0].size() == 4000);
    for (const std::set<std::string>& ids : all)
        CHECK(ids == all[0]);
}

TEST_CASE("aligned sums of an hour, in one window, in halves after a time-out and after a kill, are the same rows with the computed rowIds") {
    test::WindowServer server;
    for (int i = 0; i < 240; ++i)
        server.add(noon - 60 * minute + i * 15 * s, std::to_string(i), i % 3 == 0 ? "a" : "b");
    server.sum_every(10 * minute);
    const std::string query = flux + R"( |> aggregateWindow(every: v.windowPeriod, fn: sum))";
    std::vector<std::set<std::string>> all;
    std::vector<std::map<std::string, int>> rows;
    const auto computed = [&] {
        std::vector<Window> asked;
        for (const Edges& edges : server.ranges())
            asked.push_back({edges, {server.body(edges)}});
        std::set<std::string> out;
        for (const Ids& ids : independent(asked))
            out.insert(ids.begin(), ids.end());
        server.forget();
        return out;
    };
    const auto text = [&](const std::string& window) {
        return document(server, R"("start":"2026-01-01T11:00:00Z","delay":"0s","align":"10m","window":")" + window + "\"",
                        R"(,"retry":{"type":"fixed","initial":"1ms"})", query);
    };
    const auto read = [&](Run& run, const std::string& window) {
        test::SourceDriver source{run.host, text(window), true};
        REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
        all.push_back(ids_of(source));
        rows.push_back(rows_of(source));
    };
    {
        Run run;
        read(run, "1h");
        CHECK(all.back() == computed());
    }
    {
        server.instead([](const test::WindowServer::Asked& asked, std::size_t) {
            if (asked.range.stop - asked.range.start > 20 * minute) return Reply{{"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n"}};
            return Reply{};
        });
        Run run;
        read(run, "1h");
        server.instead({});
        CHECK(all.back() == computed());
    }
    {
        Run run;
        std::set<std::string> before;
        {
            test::SourceDriver killed{run.host, text("20m"), false};
            killed.hold_acknowledgements();
            REQUIRE(killed.until_messages(12, std::chrono::seconds{10}));
            killed.acknowledge(killed.held()[1]); // a gap before it
            before = ids_of(killed);
        }
        CHECK(before == all.front());
        Run after{noon + 7 * minute};
        after.host.set_state(run.host.state());
        read(after, "1h");
        CHECK(all.back().size() == 8); // the acknowledged twenty minutes do not come again
        CHECK(std::includes(before.begin(), before.end(), all.back().begin(), all.back().end()));
        CHECK(before == computed());
    }
    CHECK(all[0].size() == 12);
    CHECK(all[0] == all[1]);
    CHECK(rows[0] == rows[1]);
}
