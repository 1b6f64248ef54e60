// Incremental reading through the C ABI and real sockets: empty stretches, edges, clocks, and a memory of look-back that is full.
#include "window_support.hpp"

#include "window/fingerprints.hpp"

#include <cstdlib>
#include <ctime>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::test::windows;
using test::Reply;

namespace {

constexpr std::int64_t hour = 60 * minute, day = 24 * hour;

// Each window begins where the one before it ended.
void demand_no_gap(const std::vector<Edges>& ranges, Instant start, Instant stop) {
    REQUIRE_FALSE(ranges.empty());
    CHECK(ranges.front().start == start);
    CHECK(ranges.back().stop == stop);
    for (std::size_t i = 1; i < ranges.size(); ++i)
        CHECK(ranges[i].start == ranges[i - 1].stop);
}

class TimeZone {
public:
    explicit TimeZone(const char* name) {
        ::setenv("TZ", name, 1);
        ::tzset();
    }
    ~TimeZone() {
        ::unsetenv("TZ");
        ::tzset();
    }
    TimeZone(const TimeZone&) = delete;
    TimeZone& operator=(const TimeZone&) = delete;
};

} // namespace

TEST_CASE("empty windows cost one query each and grow, so that a month without rows takes few, and the first row ends that") {
    test::WindowServer server;
    const Instant start = noon - 31 * day;
    for (int i = 0; i < 60; ++i)
        server.add(noon - hour + i * minute, std::to_string(i));
    Run run;
    test::SourceDriver source{run.host, document(server, R"("start":")" + window::format_instant(start) + R"(","window":"10m","delay":"0s")"), true};
    REQUIRE(source.run(std::chrono::seconds{30}) == Got::ended);
    CHECK(rows_of(source).size() == 60);
    CHECK(source.messages().size() == 60);
    const std::vector<Edges> ranges = server.ranges();
    demand_no_gap(ranges, start, noon);
    CHECK(ranges.size() < 90); // 4,464 windows of ten minutes
    std::int64_t longest = 0;
    bool rows_seen = false;
    for (const Edges& e : ranges) {
        longest = std::max(longest, e.stop - e.start);
        if (rows_seen) CHECK(e.stop - e.start <= 10 * minute);
        rows_seen = rows_seen || e.stop > noon - hour;
    }
    CHECK(longest == 640 * minute);
    CHECK(cursor_of(run.host).position == noon);
}

TEST_CASE("where the clock is put forward or back for daylight saving, windows and rows are those of UTC") {
    for (const char* change : {"2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"}) {
        INFO(change);
        const Instant at = *window::parse_instant(change);
        std::vector<std::vector<Edges>> ranges;
        std::vector<std::set<std::string>> ids;
        for (const char* zone : {"UTC", "Europe/Berlin"}) {
            const TimeZone here{zone};
            test::WindowServer server;
            for (int i = -120; i < 120; ++i)
                server.add(at + i * minute, std::to_string(i));
            Run run{at + 2 * hour};
            test::SourceDriver source{
                run.host, document(server, R"("start":")" + window::format_instant(at - 2 * hour) + R"(","window":"30m","align":"30m","delay":"0s")"),
                true};
            REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
            CHECK(source.messages().size() == 240);
            ids.push_back(ids_of(source));
            ranges.push_back(server.ranges());
        }
        CHECK(ids[0].size() == 240);
        CHECK(ids[0] == ids[1]);
        CHECK(ranges[0] == ranges[1]);
        demand_no_gap(ranges[1], at - 2 * hour, at + 2 * hour);
    }
}

TEST_CASE("a clock that jumps back and forth while it runs moves no edge, and no row is lost or comes twice") {
    test::WindowServer server;
    for (int i = 0; i < 50; ++i)
        server.add(noon + i * minute, std::to_string(i));
    Run run{noon + 10 * minute};
    test::SourceDriver source{run.host, document(server, R"("start":"2026-01-01T12:00:00Z","window":"7m","delay":"0s")"), false};
    REQUIRE(source.until_messages(10, std::chrono::seconds{10}));
    run.host.set_wall(noon - day);
    for (int i = 0; i < 10; ++i)
        source.next(std::chrono::milliseconds{10});
    CHECK(source.messages().size() == 10);
    run.host.set_wall(noon + 8 * minute);
    for (int i = 0; i < 10; ++i)
        source.next(std::chrono::milliseconds{10});
    run.host.set_wall(noon + 30 * minute);
    REQUIRE(source.until_messages(30, std::chrono::seconds{10}));
    run.host.set_wall(noon + 20 * minute);
    for (int i = 0; i < 10; ++i)
        source.next(std::chrono::milliseconds{10});
    run.host.set_wall(noon + 50 * minute);
    REQUIRE(source.until_messages(50, std::chrono::seconds{10}));
    REQUIRE(until_position(source, run.host, noon + 50 * minute));
    CHECK(source.messages().size() == 50);
    CHECK(ids_of(source).size() == 50);
    demand_no_gap(server.ranges(), noon, noon + 50 * minute);
}

TEST_CASE("rows that share a time at a window's edge come exactly once, in halves and where a try was cut between them as well") {
    test::WindowServer server;
    for (int i = 0; i < 40; ++i) { // twenty at each edge, ten of them alike
        const Instant edge = noon - (i < 20 ? 10 : 5) * minute;
        server.add(edge, std::to_string(i % 20 < 10 ? 7 : i), "a");
        server.add(edge - 1, std::to_string(i), "b");
    }
    std::set<std::string> expected;
    for (const char* delivery : {"streaming", "verified"}) {
        for (const char* window : {"5m", "15m", "20m"}) {
            // A try that is too long is refused, and each range's first answer ends in the middle of rows that share a time.
            std::set<std::pair<Instant, Instant>> cut;
            server.instead([&](const test::WindowServer::Asked& asked, std::size_t) {
                if (asked.range.stop - asked.range.start > 15 * minute) return Reply{{"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n"}};
                if (!cut.insert({asked.range.start, asked.range.stop}).second) return Reply{};
                const std::string whole = test::WindowServer::ok(server.body(asked.range));
                return Reply{{whole.substr(0, whole.size() - std::min<std::size_t>(whole.size() / 2, 400))}};
            });
            Run run;
            test::SourceDriver source{run.host,
                                      document(server, R"("start":"2026-01-01T11:40:00Z","delay":"0s","window":")" + std::string{window} + "\"",
                                               R"(,"retry":{"type":"fixed","initial":"1ms"},"delivery":")" + std::string{delivery} + "\""),
                                      false};
            REQUIRE(source.until_messages(80, std::chrono::seconds{20}));
            REQUIRE(until_position(source, run.host, noon));
            const std::set<std::string> ids = ids_of(source);
            CHECK(ids.size() == 80);
            if (std::string{delivery} == "verified") CHECK(source.messages().size() == 80);
            if (expected.empty()) expected = ids;
            CHECK(ids == expected);
        }
    }
}

TEST_CASE("a memory of look-back that is full forgets the oldest, reaches less far, never repeats, and says so") {
    // What a run of an hour left: nearly as many rows as are remembered.
    window::Fingerprints memory;
    const std::size_t chunks = window::Fingerprints::most / window::Fingerprints::chunk_size;
    std::uint64_t print = 1;
    for (std::size_t k = 0; k < chunks; ++k) {
        std::vector<std::uint64_t> prints(window::Fingerprints::chunk_size);
        for (std::uint64_t& p : prints)
            p = print += 0x9E3779B97F4A7C15ull;
        const Instant begin = noon - hour + static_cast<std::int64_t>(k) * s;
        memory.expect(k, {begin, k + 1 == chunks ? noon : begin + s}, {prints});
        memory.add(k);
    }
    REQUIRE(memory.dropped() == 0);
    test::RecordingHost::State state;
    for (const window::Fingerprints::Change& change : memory.changes())
        state["fingerprints" + (change.name.empty() ? "" : "." + change.name)] = change.value;
    test::WindowServer server;
    const std::string text = document(server, R"("start":"2026-01-01T00:00:00Z","delay":"0s","lookback":"2h")");
    {
        Run before;
        test::SourceDriver source{before.host, text, true};
        REQUIRE(source.run(std::chrono::seconds{20}) == Got::ended);
        state["cursor"] = before.host.state().at("cursor"); // it stands at noon
        server.forget();
    }
    for (int i = 0; i < 5000; ++i)
        server.add(noon + Instant{i} * 1'000'000, std::to_string(i));
    Run run{noon + minute};
    run.host.set_state(state);
    test::SourceDriver source{run.host, text, false};
    REQUIRE(source.until_messages(5000, std::chrono::seconds{20}));
    REQUIRE(until_position(source, run.host, noon + minute));
    CHECK(server.ranges().front().start == noon - 2 * hour + 0 * s);
    CHECK(run.host.metric("lookback_fingerprints_dropped") == static_cast<double>(window::Fingerprints::chunk_size));
    CHECK(run.host.all_output().find("lookback.full") != std::string::npos);

    // What lies before the edge of the memory is not read again, though look-back would reach it; what is late behind it comes.
    const Instant edge = noon - hour + s;
    server.add(edge - 1, "1");
    server.add(edge, "2");
    server.add(noon + minute, "3");
    run.host.set_wall(noon + 2 * minute);
    REQUIRE(source.until_messages(5002, std::chrono::seconds{20}));
    REQUIRE(until_position(source, run.host, noon + 2 * minute));
    CHECK(server.ranges().back() == Edges{edge, noon + 2 * minute});
    CHECK(source.messages().size() == 5002);
    CHECK(ids_of(source).size() == 5002);
    CHECK(run.host.health().level == FG_HEALTH_RETRYING);
    CHECK(run.host.health().code == "lookback-full");
    CHECK(source.stop() == FG_OK);
    // A restart remembers as much.
    Run again{noon + 3 * minute};
    again.host.set_state(run.host.state());
    test::SourceDriver after{again.host, text, true};
    REQUIRE(after.run(std::chrono::seconds{20}) == Got::ended);
    CHECK(after.messages().empty());
    CHECK(again.host.health().code == "lookback-full");
    CHECK(server.ranges().back().start == edge);
}
