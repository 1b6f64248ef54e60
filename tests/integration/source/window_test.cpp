// Incremental reading through the C ABI and real sockets: windows, the cursor, kills, halving, identities, look-back.
#include "support/catch.hpp"
#include "support/source_driver.hpp"
#include "window/cursor.hpp"
#include "window/hash.hpp"
#include "window_server.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace fluxgate;
using test::Reply;
using Got = test::SourceDriver::Got;
using window::Edges;
using window::Instant;

namespace {

constexpr std::int64_t s = 1'000'000'000, minute = 60 * s;
const Instant noon = *window::parse_instant("2026-01-01T12:00:00Z");

const std::string flux = R"(from(bucket:\"plant\") |> range(start: v.timeRangeStart, stop: v.timeRangeStop))";

// A document with this `incremental` (without its braces).
std::string document(const test::WindowServer& server, const std::string& incremental, const std::string& more = {},
                     const std::string& query = flux) {
    std::string text = test::influx_document(server.port(), R"(,"incremental":{)" + incremental + "}" + more);
    const std::string plain = R"(from(bucket:\"plant\") |> range(start: -1h))";
    return text.replace(text.find(plain), plain.size(), query);
}

struct Run {
    test::RecordingHost host;
    explicit Run(Instant now = noon) {
        host.set_secret("INFLUX_TOKEN", "t");
        host.set_wall(now);
    }
};

std::string member(const std::string& message, const std::string& name) {
    const std::string key = "\"" + name + "\":\"";
    const std::size_t at = message.find(key);
    if (at == std::string::npos) return {};
    const std::size_t begin = at + key.size();
    return message.substr(begin, message.find('"', begin) - begin);
}

// _time and value of each message, with how often it came.
std::map<std::string, int> rows_of(const test::SourceDriver& source) {
    std::map<std::string, int> out;
    for (const test::Delivered& m : source.messages()) {
        const std::size_t value = m.payload.find("\"_value\":") + 9;
        ++out[member(m.payload, "_time") + " " + m.payload.substr(value, m.payload.find_first_of(",}", value) - value) + " " +
              member(m.payload, "host")];
    }
    return out;
}

std::set<std::string> ids_of(const test::SourceDriver& source) {
    std::set<std::string> out;
    for (const test::Delivered& m : source.messages())
        out.insert(member(m.text, "rowId"));
    return out;
}

window::Cursor cursor_of(const test::RecordingHost& host) {
    const auto state = host.state();
    REQUIRE(state.count("cursor") == 1);
    const auto parsed = window::parse_cursor(state.at("cursor"));
    REQUIRE(parsed.ok());
    return *parsed;
}

// Goes on until the cursor stands there.
bool until_position(test::SourceDriver& source, const test::RecordingHost& host, Instant position) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (cursor_of(host).position != position && std::chrono::steady_clock::now() < end)
        if (source.next(std::chrono::milliseconds{10}) == Got::error) return false;
    return cursor_of(host).position == position;
}

} // namespace

TEST_CASE("one run reads every row up to now - delay once, window by window, and leaves the cursor there") {
    test::WindowServer server;
    for (int i = 0; i < 60; ++i)
        server.add(noon - 60 * minute + i * minute, std::to_string(i));
    Run run;
    test::SourceDriver source{run.host, document(server, R"("start":"2026-01-01T11:00:00Z","window":"20m","delay":"30s")"), true};
    REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
    CHECK(source.messages().size() == 60);
    CHECK(rows_of(source).size() == 60);
    const Instant start = noon - 60 * minute;
    CHECK(server.ranges() ==
          std::vector<Edges>{{start, start + 20 * minute}, {start + 20 * minute, start + 40 * minute}, {start + 40 * minute, noon - 30 * s}});
    const auto asked = server.asked();
    CHECK(asked[2].now == "2026-01-01T11:59:30Z");
    CHECK(cursor_of(run.host).position == noon - 30 * s);
    CHECK(cursor_of(run.host).planned.empty());
    CHECK(source.messages()[20].text.find(
              R"("properties":{"result":"_result","table":0,"window":["2026-01-01T11:20:00Z","2026-01-01T11:40:00Z"],"rowId":")") !=
          std::string::npos);
    CHECK(source.stop() == FG_OK);

    // Nothing is new: no query is sent.
    server.forget();
    test::SourceDriver again{run.host, document(server, R"("start":"2026-01-01T11:00:00Z","window":"20m","delay":"30s")"), true};
    REQUIRE(again.run(std::chrono::seconds{20}) == Got::ended);
    CHECK(again.messages().empty());
    CHECK(server.asked().empty());
}

TEST_CASE("it goes on with the interval, and at stop it ends") {
    test::WindowServer server;
    for (int i = 0; i < 10; ++i)
        server.add(noon + i * s, std::to_string(i));
    Run run{noon + 3 * s};
    test::SourceDriver source{
        run.host, document(server, R"("start":"2026-01-01T12:00:00Z","stop":"2026-01-01T12:00:08Z","delay":"0s")", R"(,"retry":{"type":"none"})"),
        false};
    REQUIRE(source.until_messages(3, std::chrono::seconds{10}));
    run.host.set_wall(noon + 6 * s);
    REQUIRE(source.until_messages(6, std::chrono::seconds{10}));
    run.host.set_wall(noon + 100 * s);
    REQUIRE(source.run(std::chrono::seconds{10}) == Got::ended);
    CHECK(rows_of(source).size() == 8);
    CHECK(source.messages().size() == 8);
    CHECK(server.ranges().back().stop == noon + 8 * s);
    CHECK(cursor_of(run.host).position == noon + 8 * s);
}

TEST_CASE("edges are on record before the first batch of their window leaves, and a restart reads exactly these again") {
    test::WindowServer server;
    for (int i = 0; i < 40; ++i)
        server.add(noon - 40 * minute + i * minute, std::to_string(i));
    Run first{noon - 17 * s};
    const std::string text = document(server, R"("start":"2026-01-01T11:20:00Z","window":"15m","delay":"0s")");
    test::SourceDriver source{first.host, text, true};
    source.hold_acknowledgements();
    REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
    REQUIRE(source.held().size() == 3);
    const window::Cursor before = cursor_of(first.host);
    CHECK(before.position == noon - 40 * minute);
    CHECK(before.planned == server.ranges());
    // The second and third are delivered, the first is not: the position stays, and what is passed behind the gap is kept.
    const auto held = source.held();
    source.acknowledge(held[2]);
    source.acknowledge(held[1]);
    const window::Cursor gap = cursor_of(first.host);
    CHECK(gap.position == noon - 40 * minute);
    CHECK(gap.planned == std::vector<Edges>{{noon - 40 * minute, noon - 25 * minute}});
    CHECK(gap.passed == std::vector<Edges>{{noon - 25 * minute, noon - 17 * s}});

    server.forget();
    Run second{noon + 5 * minute}; // much later, and with another window
    second.host.set_state(first.host.state());
    test::SourceDriver after{second.host, document(server, R"("start":"2026-01-01T11:20:00Z","window":"3m","delay":"0s")"), true};
    REQUIRE(after.run(std::chrono::seconds{20}) == Got::ended);
    REQUIRE(server.ranges().size() >= 2);
    CHECK(server.ranges()[0] == Edges{noon - 40 * minute, noon - 25 * minute});
    CHECK(server.ranges()[1] == Edges{noon - 17 * s, noon - 17 * s + 3 * minute});
    CHECK(after.messages().size() == 15);
    CHECK(cursor_of(second.host).position == noon + 5 * minute);
    std::set<std::string> repeated = ids_of(after), known = ids_of(source);
    for (const std::string& id : repeated)
        CHECK(known.count(id) == 1); // the same rows have the same identity
}

TEST_CASE("an abandoned batch holds the cursor for this run") {
    test::WindowServer server;
    server.add(noon - 5 * minute, "1");
    Run run;
    test::SourceDriver source{run.host, document(server, R"("start":"2026-01-01T11:50:00Z","delay":"0s")"), false};
    source.hold_acknowledgements();
    REQUIRE(source.until_messages(1, std::chrono::seconds{10}));
    source.acknowledge(source.held()[0], FG_ABANDONED);
    run.host.set_wall(noon + 10 * minute);
    server.add(noon + minute, "2");
    REQUIRE(source.until_messages(2, std::chrono::seconds{10}));
    source.acknowledge_all();
    CHECK(source.stop() == FG_OK);
    CHECK(cursor_of(run.host).position == noon - 10 * minute);
    CHECK(cursor_of(run.host).planned.front() == Edges{noon - 10 * minute, noon});
}

TEST_CASE("a window that times out is read in halves, and no row is lost or doubled by it") {
    test::WindowServer server;
    for (int i = 0; i < 16; ++i)
        server.add(noon - 16 * minute + i * minute, std::to_string(i));
    server.instead([](const test::WindowServer::Asked& asked, std::size_t) {
        if (asked.range.stop - asked.range.start > 5 * minute) return Reply{{"HTTP/1.1 200 OK\r\n"}, Reply::End::hold};
        return Reply{};
    });
    Run run;
    test::SourceDriver source{run.host,
                              document(server, R"("start":"2026-01-01T11:44:00Z","window":"16m","delay":"0s")",
                                       R"(,"timeouts":{"firstByte":"100ms","idle":"100ms"},"retry":{"type":"fixed","initial":"1ms"})"),
                              true};
    REQUIRE(source.run(std::chrono::seconds{30}) == Got::ended);
    CHECK(rows_of(source).size() == 16);
    CHECK(source.messages().size() == 16);
    CHECK(cursor_of(run.host).position == noon);
    CHECK(run.host.all_output().find("window.halved") != std::string::npos);
    for (const Edges& e : server.ranges())
        CHECK((e.stop - e.start == 4 * minute || e.stop - e.start > 5 * minute));
}

TEST_CASE("a window beyond spoolBytes is halved at once with verified delivery, and the smallest one needs a person") {
    test::WindowServer server;
    for (int i = 0; i < 64; ++i)
        server.add(noon - 64 * s + i * s, std::to_string(i));
    Run run;
    const std::string incremental = R"("start":"2026-01-01T11:58:56Z","window":"10m","delay":"0s")";
    test::SourceDriver source{run.host, document(server, incremental, R"(,"delivery":"verified","spoolBytes":"1200B")"), true};
    REQUIRE(source.run(std::chrono::seconds{30}) == Got::ended);
    CHECK(rows_of(source).size() == 64);
    CHECK(source.messages().size() == 64);
    CHECK(run.host.all_output().find("query.failed") == std::string::npos);
    Run tight;
    test::SourceDriver small{tight.host, document(server, incremental, R"(,"delivery":"verified","spoolBytes":"100B")"), true};
    REQUIRE(small.run(std::chrono::seconds{30}) == Got::error);
    CHECK(small.error().code == Errc::limit);
    CHECK(cursor_of(tight.host).position == noon - 64 * s);
}

TEST_CASE("an answer that breaks off is read again, its rows with the same identities, and the cursor waits") {
    test::WindowServer server;
    for (int i = 0; i < 50; ++i)
        server.add(noon - 50 * s + i * s, std::to_string(i));
    server.instead([&](const test::WindowServer::Asked& asked, std::size_t number) {
        if (number > 1) return Reply{};
        const std::string whole = test::WindowServer::ok(server.body(asked.range));
        return Reply{{whole.substr(0, whole.size() - 300)}};
    });
    Run run;
    test::SourceDriver source{
        run.host, document(server, R"("start":"2026-01-01T11:59:00Z","delay":"0s")", R"(,"retry":{"type":"fixed","initial":"1ms"})"), true};
    REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
    CHECK(source.messages().size() > 50);
    CHECK(ids_of(source).size() == 50);
    CHECK(rows_of(source).size() == 50);
    CHECK(server.ranges()[0] == server.ranges()[1]);
}

TEST_CASE("a row's identity is the same whatever the window, the order of tables and columns, and the try; computed again by hand") {
    test::WindowServer server;
    for (int i = 0; i < 30; ++i)
        server.add(noon - 30 * minute + i * minute, std::to_string(i % 3), i % 2 == 0 ? "a" : "b");
    std::vector<std::set<std::string>> all;
    for (const auto& [window, otherwise] : {std::pair{"30m", false}, std::pair{"7m", false}, std::pair{"11m", true}}) {
        server.write_otherwise(otherwise);
        Run run;
        test::SourceDriver source{run.host,
                                  document(server, R"("start":"2026-01-01T11:30:00Z","delay":"0s","window":")" + std::string{window} + "\""), true};
        REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
        REQUIRE(source.messages().size() == 30);
        all.push_back(ids_of(source));
        for (const test::Delivered& m : source.messages()) {
            const std::size_t at = m.payload.find("\"_value\":") + 9;
            const std::string bytes = "_result\x1F_time\x1F" + member(m.payload, "_time") + "\x1F_value\x1F" +
                                      m.payload.substr(at, m.payload.find_first_of(",}", at) - at) + "\x1Fhost\x1F" + member(m.payload, "host") +
                                      "\x1F";
            CHECK(member(m.text, "rowId") == window::hex(window::hash128(bytes)));
        }
    }
    CHECK(all[0].size() == 30);
    CHECK(all[0] == all[1]);
    CHECK(all[0] == all[2]);
}

TEST_CASE("identical rows of a window are told apart by a suffix, wherever the expression sends them") {
    test::WindowServer server;
    for (int i = 0; i < 12; ++i)
        server.add(noon - minute, "1", i < 10 ? "a" : "b");
    for (const std::string strategy : {R"(,"partitionCount":4,"partitionStrategy":{"type":"key","expression":".payload.host"})",
                                       R"(,"partitionCount":4,"partitionStrategy":{"type":"key","expression":".properties.rowId"})"}) {
        Run run;
        test::SourceDriver source{run.host, document(server, R"("start":"2026-01-01T11:30:00Z","delay":"0s")", strategy), true};
        REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
        REQUIRE(source.messages().size() == 12);
        std::map<std::string, std::set<std::string>> suffixes;
        for (const test::Delivered& m : source.messages()) {
            const std::string id = member(m.text, "rowId");
            suffixes[id.substr(0, 32)].insert(id.substr(32));
            CHECK(m.payload.front() == '{');
            CHECK(m.payload.back() == '}');
            if (strategy.find("rowId") != std::string::npos) CHECK(member(m.text, "partitionKey") == id);
        }
        REQUIRE(suffixes.size() == 2);
        for (const auto& [id, those] : suffixes)
            CHECK((those == std::set<std::string>{"", "-1"} ||
                   those == std::set<std::string>{"", "-1", "-2", "-3", "-4", "-5", "-6", "-7", "-8", "-9"}));
    }
}

TEST_CASE("look-back delivers late rows once, and only those, also after a kill and a restart") {
    test::WindowServer server;
    for (int i = 0; i < 20; ++i)
        server.add(noon - 20 * minute + i * minute, std::to_string(i));
    const std::string incremental = R"("start":"2026-01-01T11:40:00Z","delay":"0s","lookback":"10m")";
    Run run;
    {
        test::SourceDriver source{run.host, document(server, incremental), false};
        REQUIRE(source.until_messages(20, std::chrono::seconds{10}));
        server.add(noon - 5 * minute + s, "100"); // late
        server.add(noon - 15 * minute, "200");    // too late
        server.add(noon - 4 * minute, "16");      // late, and as a row that is known: another one all the same
        server.add(noon, "20");
        run.host.set_wall(noon + minute);
        REQUIRE(source.until_messages(23, std::chrono::seconds{10}));
        CHECK(server.ranges().back() == Edges{noon - 10 * minute, noon + minute});
        run.host.set_wall(noon + 2 * minute);
        server.add(noon + minute, "21");
        REQUIRE(source.until_messages(24, std::chrono::seconds{10}));
        REQUIRE(until_position(source, run.host, noon + 2 * minute));
        CHECK(run.host.metric("rows_suppressed") >= 20);
        REQUIRE(source.stop() == FG_OK);
        const auto rows = rows_of(source);
        CHECK(rows.size() == 23);
        CHECK(rows.count("2026-01-01T11:55:01Z 100 a") == 1);
        CHECK(rows.at("2026-01-01T11:56:00Z 16 a") == 2);
        CHECK(rows.count("2026-01-01T11:45:00Z 200 a") == 0);
        CHECK(ids_of(source).size() == 24);
    }
    Run later{noon + 3 * minute};
    later.host.set_state(run.host.state());
    server.add(noon - 3 * minute, "300"); // late, while nothing ran
    test::SourceDriver source{later.host, document(server, incremental), true};
    REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
    CHECK(rows_of(source) == std::map<std::string, int>{{"2026-01-01T11:57:00Z 300 a", 1}});
}

TEST_CASE("rows that become dead letters are not dead letters again when look-back reads them") {
    test::WindowServer server;
    server.add(noon - 5 * minute, "warm");
    server.add(noon - 4 * minute, "1");
    Run run;
    test::SourceDriver source{run.host, document(server, R"("start":"2026-01-01T11:50:00Z","delay":"0s","lookback":"30m")"), false};
    REQUIRE(source.until_messages(1, std::chrono::seconds{10}));
    run.host.set_wall(noon + minute);
    server.add(noon, "2");
    REQUIRE(source.until_messages(2, std::chrono::seconds{10}));
    CHECK(run.host.letters().size() == 1);
}

TEST_CASE("a window whose last rows are dead letters is passed with the next batch that is delivered, or at the end of the run") {
    test::WindowServer server;
    server.add(noon - 5 * minute, "warm");
    Run run;
    test::SourceDriver source{run.host, document(server, R"("start":"2026-01-01T11:50:00Z","delay":"0s")"), false};
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (run.host.metric("windows") < 1 && std::chrono::steady_clock::now() < end)
        source.next(std::chrono::milliseconds{10});
    REQUIRE(run.host.letters().size() == 1);
    CHECK(cursor_of(run.host).position == noon - 10 * minute);
    CHECK(source.stop() == FG_OK);
    CHECK(cursor_of(run.host).position == noon);
}

TEST_CASE("another query does not go on from the cursor unless that is asked for") {
    test::WindowServer server;
    server.add(noon - 5 * minute, "1");
    Run run;
    const std::string incremental = R"("start":"2026-01-01T11:50:00Z","delay":"0s")";
    {
        test::SourceDriver source{run.host, document(server, incremental), true};
        REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
    }
    run.host.set_wall(noon + minute);
    const std::string changed = document(server, incremental, {}, flux + R"( |> filter(fn: (r) => r.host == \"a\"))");
    {
        test::SourceDriver source{run.host, changed, true};
        REQUIRE(source.run(std::chrono::seconds{20}) == Got::error);
        CHECK(source.error().code == Errc::state);
        CHECK(source.error().message.find("fluxgate cursor set") != std::string::npos);
        CHECK(source.error().message.find("--accept-changed-query") != std::string::npos);
        CHECK(cursor_of(run.host).position == noon);
    }
    test::SourceDriver accepted{run.host, changed, true, FG_ACCEPT_CHANGED_QUERY};
    REQUIRE(accepted.run(std::chrono::seconds{20}) == Got::ended);
    CHECK(cursor_of(run.host).position == noon + minute);
    test::SourceDriver once_more{run.host, changed, true};
    CHECK(once_more.run(std::chrono::seconds{20}) == Got::ended);
}

TEST_CASE("a state that cannot be written keeps batches back and the cursor where it is, and heals") {
    test::WindowServer server;
    server.add(noon - 5 * minute, "1");
    Run run;
    const std::string text = document(server, R"("start":"2026-01-01T11:50:00Z","delay":"0s")");
    run.host.refuse_state(true);
    {
        test::SourceDriver source{run.host, text, false};
        REQUIRE(source.run(std::chrono::seconds{10}) == Got::error); // at the start: nothing was read yet
        CHECK(source.error().code == Errc::state);
    }
    run.host.refuse_state(false);
    test::SourceDriver source{run.host, text, false};
    server.instead([&](const test::WindowServer::Asked&, std::size_t) {
        run.host.refuse_state(true);
        return Reply{};
    });
    CHECK_FALSE(source.until_messages(1, std::chrono::milliseconds{300}));
    CHECK(run.host.health().level == FG_HEALTH_NEEDS_ATTENTION);
    CHECK(run.host.health().code == "state");
    server.instead({});
    run.host.refuse_state(false);
    REQUIRE(source.until_messages(1, std::chrono::seconds{10}));
    CHECK(until_position(source, run.host, noon));
}

TEST_CASE("aligned sums are the same rows in one window, in halves after a time-out, and after a kill") {
    test::WindowServer server;
    for (int i = 0; i < 240; ++i)
        server.add(noon - 60 * minute + i * 15 * s, std::to_string(i));
    server.sum_every(10 * minute);
    const std::string query = flux + R"( |> aggregateWindow(every: v.windowPeriod, fn: sum))";
    const auto incremental = [](const char* window) {
        return R"("start":"2026-01-01T11:00:00Z","delay":"0s","align":"10m","window":")" + std::string{window} + "\"";
    };
    std::vector<std::set<std::string>> ids;
    {
        Run run;
        test::SourceDriver source{run.host, document(server, incremental("1h"), {}, query), true};
        REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
        CHECK(source.messages().size() == 6);
        CHECK(server.asked()[0].request.find(R"("windowPeriod"},"value":{"type":"DurationLiteral","values":[{"magnitude":10,"unit":"m"}]})") !=
              std::string::npos);
        ids.push_back(ids_of(source));
    }
    {
        server.instead([](const test::WindowServer::Asked& asked, std::size_t) {
            if (asked.range.stop - asked.range.start > 30 * minute) return Reply{{"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n"}};
            return Reply{};
        });
        Run run;
        test::SourceDriver source{run.host, document(server, incremental("1h"), R"(,"retry":{"type":"fixed","initial":"1ms"})", query), true};
        REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
        CHECK(source.messages().size() == 6);
        ids.push_back(ids_of(source));
        server.instead({});
    }
    {
        Run run;
        test::SourceDriver killed{run.host, document(server, incremental("20m"), {}, query), false};
        killed.hold_acknowledgements();
        REQUIRE(killed.until_messages(6, std::chrono::seconds{10}));
        killed.acknowledge(killed.held()[0]);
        std::set<std::string> both = ids_of(killed);
        Run after{noon + 7 * minute}; // an hour that is not whole is not read
        after.host.set_state(run.host.state());
        test::SourceDriver source{after.host, document(server, incremental("1h"), {}, query), true};
        REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
        CHECK(source.messages().size() == 4);
        for (const std::string& id : ids_of(source))
            both.insert(id);
        ids.push_back(both);
        CHECK(cursor_of(after.host).position == noon);
    }
    CHECK(ids[0].size() == 6);
    CHECK(ids[0] == ids[1]);
    CHECK(ids[0] == ids[2]);
}

TEST_CASE("several windows are read side by side, with each row once and the cursor at the end") {
    test::WindowServer server; // answers one connection after the other, which is all the same to what is delivered
    for (int i = 0; i < 600; ++i)
        server.add(noon - 600 * s + i * s, std::to_string(i), "h" + std::to_string(i % 5));
    for (const std::string delivery : {"streaming", "verified"}) {
        Run run;
        test::SourceDriver source{
            run.host,
            document(server, R"("start":"2026-01-01T11:50:00Z","delay":"0s","window":"30s","concurrency":4)",
                     R"(,"delivery":")" + delivery + R"(","partitionCount":3,"partitionStrategy":{"type":"key","expression":".payload.host"})"),
            true};
        source.hold_acknowledgements();
        // Acknowledged out of order, as partitions do.
        for (Got got = Got::nothing; got != Got::ended;) {
            got = source.next(std::chrono::milliseconds{20});
            REQUIRE(got != Got::error);
            while (source.held().size() > 10)
                source.acknowledge(source.held()[source.held().size() / 2]);
        }
        source.acknowledge_all();
        CHECK(source.stop() == FG_OK);
        CHECK(source.messages().size() == 600);
        CHECK(ids_of(source).size() == 600);
        CHECK(cursor_of(run.host).position == noon);
        CHECK(cursor_of(run.host).planned.empty());
    }
}

TEST_CASE("a clock of ours that is ahead of the server's does not let the cursor pass rows that are still to be written") {
    test::WindowServer server;
    server.add(noon - 70 * minute, "1");
    server.set_date("Thu, 01 Jan 2026 11:00:00 GMT");
    Run run; // noon: an hour ahead
    test::SourceDriver source{run.host, document(server, R"("start":"2026-01-01T10:00:00Z","window":"45m","delay":"10s")"), true};
    REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
    CHECK(source.messages().size() == 1);
    CHECK(cursor_of(run.host).position <= noon - 60 * minute - 9 * s);
    CHECK(cursor_of(run.host).position > noon - 75 * minute);
    CHECK(run.host.all_output().find("clock.differs") != std::string::npos);
    CHECK(source.stop() == FG_OK);
    // Ours is put right, and a row is written where the wrong clock had been.
    server.add(noon - 55 * minute, "2");
    server.set_date("Thu, 01 Jan 2026 11:10:00 GMT");
    run.host.set_wall(noon - 50 * minute);
    test::SourceDriver again{run.host, document(server, R"("start":"2026-01-01T10:00:00Z","window":"45m","delay":"10s")"), true};
    REQUIRE(again.run(std::chrono::seconds{20}) == Got::ended);
    CHECK(again.messages().size() == 1);
    CHECK(cursor_of(run.host).position == noon - 50 * minute - 10 * s);
}

TEST_CASE("read writes the query itself, with names as strings") {
    test::WindowServer server;
    server.add(noon - minute, "1");
    Run run;
    std::string text = test::influx_document(server.port(), R"(,"incremental":{"start":"2026-01-01T11:50:00Z","delay":"0s"},)"
                                                            R"("read":{"bucket":"pl\"ant","measurements":["a","b"],"fields":["f"]})");
    const std::string query = R"json("query":{"expression":"from(bucket:\"plant\") |> range(start: -1h)"},)json";
    text.replace(text.find(query), query.size(), "");
    test::SourceDriver source{run.host, text, true};
    REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
    CHECK(source.messages().size() == 1);
    CHECK(server.asked()[0].request.find(
              R"(from(bucket: \"pl\\\"ant\") |> range(start: v.timeRangeStart, stop: v.timeRangeStop) |> )"
              R"(filter(fn: (r) => r._measurement == \"a\" or r._measurement == \"b\") |> filter(fn: (r) => r._field == \"f\") |> )"
              R"(drop(columns: [\"_start\", \"_stop\"]))") != std::string::npos);
}
