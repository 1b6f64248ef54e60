// Incremental reading through the C ABI and real sockets: windows, edges, restarts, halving, identities.
#include "window/hash.hpp"
#include "window_support.hpp"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::test::windows;
using test::Reply;

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
