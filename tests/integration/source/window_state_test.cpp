// Incremental reading through the C ABI and real sockets: look-back, dead letters, state, clocks, aggregates, several windows at once.
#include "window_support.hpp"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::test::windows;
using test::Reply;

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

TEST_CASE("a window whose rows are all dead letters is passed while the run goes on, and not before they are durable") {
    test::WindowServer server;
    server.add(noon - 5 * minute, "warm");
    Run run;
    test::SourceDriver source{run.host, document(server, R"("start":"2026-01-01T11:50:00Z","delay":"0s")"), false};
    server.instead([&](const test::WindowServer::Asked&, std::size_t) {
        run.host.refuse_state(true); // what makes them durable fails
        return Reply{};
    });
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (run.host.metric("windows") < 1 && std::chrono::steady_clock::now() < end)
        source.next(std::chrono::milliseconds{10});
    REQUIRE(run.host.letters().size() == 1);
    CHECK(run.host.durable_letters() == 0);
    CHECK(cursor_of(run.host).position == noon - 10 * minute);
    server.instead({});
    run.host.refuse_state(false);
    CHECK(until_position(source, run.host, noon));
    CHECK(run.host.durable_letters() == 1);
    CHECK(source.stop() == FG_OK);
}

TEST_CASE("a run whose every row becomes a dead letter ends, with the cursor behind them") {
    test::WindowServer server;
    for (int i = 0; i < 30; ++i)
        server.add(noon - 30 * minute + i * minute, std::to_string(i));
    Run run;
    test::SourceDriver source{run.host,
                              document(server, R"("start":"2026-01-01T11:30:00Z","window":"1m","delay":"0s","concurrency":3)",
                                       R"(,"partitionCount":4,"partitionStrategy":{"type":"id","expression":".payload.nothing"})"),
                              true};
    REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
    CHECK(run.host.letters().size() == 30);
    CHECK(run.host.durable_letters() == 30);
    CHECK(run.host.commits() > 10);
    CHECK(cursor_of(run.host).position == noon); // and not only when it stops
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

TEST_CASE("the host is told where reading began, where the cursor stands and where it is to end, and which window is read") {
    test::WindowServer server;
    server.add(noon - 5 * minute, "1");
    Run run;
    {
        test::SourceDriver source{run.host, document(server, R"("start":"2026-01-01T11:50:00Z","stop":"2026-01-01T11:58:00Z","delay":"0s")"), true};
        REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
    }
    const auto seconds = [](std::int64_t ns) { return static_cast<double>(ns) / 1e9; };
    CHECK(run.host.metric("cursor_start_timestamp_seconds") == seconds(noon - 10 * minute));
    CHECK(run.host.metric("cursor_timestamp_seconds") == seconds(noon - 2 * minute));
    CHECK(run.host.metric("cursor_stop_timestamp_seconds") == seconds(noon - 2 * minute));
    CHECK(run.host.metric("cursor_lag_seconds") == 0); // all that will ever be read is read
    CHECK(run.host.metric("window_start_timestamp_seconds") == 0);
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
