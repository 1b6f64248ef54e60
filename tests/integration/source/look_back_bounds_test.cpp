// Look-back at the bounds of its memory, with bounds that are small: windows read from a socket, without the plugin around them.
#include "request.hpp"
#include "window_reader.hpp"
#include "window_support.hpp"

#include "prepared.hpp"

#include <functional>
#include <string>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::test::windows;
using influxdb::WindowReader;

namespace {

influxdb::Settings settings_of(const test::WindowServer& server, const std::string& incremental, std::size_t rows, std::size_t remembered) {
    influxdb::ParsedSettings parsed = influxdb::parse_settings(document(server, incremental));
    REQUIRE(parsed.settings.has_value());
    parsed.settings->bounds = {rows, remembered};
    return std::move(*parsed.settings);
}

// Reads as the source does, without its timer.
class Reading {
public:
    Reading(test::RecordingHost& host, influxdb::Settings settings)
        : settings_(std::move(settings)), host_(host.table()),
          reader_(settings_, host_, *influxdb::prepared_partitioner(settings_), [this](influxdb::Lane& lane, const influxdb::WindowRead& window) {
              lane.begin(influxdb::query_request(settings_, "t", &window.range, window.ask.query), &window);
              return Result<void>{};
          }) {
        REQUIRE(reader_.windows().open(false).ok());
    }

    // Up to the end of the tick, or to what else is told first.
    WindowReader::Event tick() {
        using Kind = WindowReader::Event::Kind;
        if (!reader_.in_tick()) reader_.begin_tick();
        for (;;) {
            while (take()) {
            }
            WindowReader::Event event = reader_.work(host_.monotonic_ns() + 1'000'000'000);
            if (event.kind == Kind::over) REQUIRE(reader_.windows().settle().ok());
            if (event.kind != Kind::nothing && event.kind != Kind::read) return event;
        }
    }

    void acknowledge() {
        for (const std::uint64_t sequence : std::exchange(out_, {}))
            reader_.windows().acknowledged(sequence, true);
    }

    bool holds = false; // batches are acknowledged by acknowledge() alone
    std::size_t messages = 0;
    [[nodiscard]] influxdb::Windows& windows() { return reader_.windows(); }

private:
    bool take() {
        auto batch = reader_.take();
        REQUIRE(batch.ok());
        if (!*batch) return false;
        messages += (*batch)->count;
        out_.push_back((*batch)->sequence);
        (*batch)->release(&**batch);
        if (!holds) acknowledge();
        return true;
    }

    const influxdb::Settings settings_;
    const stage::Host host_;
    WindowReader reader_;
    std::vector<std::uint64_t> out_;
};

using Kind = WindowReader::Event::Kind;

} // namespace

TEST_CASE("rows that look-back remembers do not count for the bound of a window, in this run and after a restart") {
    test::WindowServer server;
    for (int i = 0; i < 1000; ++i)
        server.add(noon - 1000 * s + i * s, std::to_string(i));
    const std::string incremental = R"("start":"2026-01-01T11:00:00Z","delay":"0s","lookback":"1h")";
    Run run;
    {
        Reading reading{run.host, settings_of(server, incremental, 1000, 1000)};
        REQUIRE(reading.tick().kind == Kind::over);
        CHECK(reading.messages == 1000);
        run.host.set_wall(noon + 10 * minute);
        for (int i = 0; i < 600; ++i)
            server.add(noon + i * s, std::to_string(i));
        REQUIRE(reading.tick().kind == Kind::over); // 1,600 rows in reach
        CHECK(reading.messages == 1600);
        CHECK(cursor_of(run.host).position == noon + 10 * minute);
    }
    run.host.set_wall(noon + 20 * minute);
    for (int i = 600; i < 1200; ++i)
        server.add(noon + i * s, std::to_string(i));
    Reading again{run.host, settings_of(server, incremental, 1000, 1000)};
    REQUIRE(again.tick().kind == Kind::over);
    CHECK(again.messages == 600);
    CHECK(run.host.all_output().find("window.halved") == std::string::npos);
}

TEST_CASE("new rows do count for the bound of a window that looks back, and those that are alike as well: it is halved") {
    test::WindowServer server;
    for (int i = 0; i < 300; ++i)
        server.add(noon - 300 * s + i / 2 * 2 * s, "1"); // in pairs
    const std::string incremental = R"("start":"2026-01-01T11:00:00Z","window":"1h","delay":"0s","lookback":"1h")";
    Run run;
    Reading reading{run.host, settings_of(server, incremental, 200, 1000)};
    REQUIRE(reading.tick().kind == Kind::over);
    CHECK(reading.messages >= 300);
    CHECK(run.host.all_output().find("window.halved") != std::string::npos);
    CHECK(cursor_of(run.host).position == noon);
}

TEST_CASE("with look-back reading waits while too many rows are not acknowledged, and goes on when they are") {
    test::WindowServer server;
    for (int i = 0; i < 600; ++i)
        server.add(noon - 600 * s + i * s, std::to_string(i));
    const std::string incremental = R"("start":"2026-01-01T11:50:00Z","window":"1m","delay":"0s","lookback":"5m")";
    Run run;
    Reading reading{run.host, settings_of(server, incremental, 1000, 100)};
    reading.holds = true;
    for (std::size_t seen = 120; seen < 600; seen += 120) {
        CHECK(reading.tick().kind == Kind::waiting);
        CHECK(reading.messages == seen); // two windows of 60 rows
        CHECK(reading.tick().kind == Kind::waiting);
        reading.acknowledge();
        CHECK(cursor_of(run.host).position == noon - 600 * s + static_cast<Instant>(seen) * s);
    }
    CHECK(reading.tick().kind == Kind::over);
    reading.acknowledge();
    CHECK(reading.messages == 600);
    CHECK(cursor_of(run.host).position == noon);
    Run plain;
    Reading all{plain.host, settings_of(server, R"("start":"2026-01-01T11:50:00Z","window":"1m","delay":"0s")", 1000, 100)};
    all.holds = true;
    CHECK(all.tick().kind == Kind::over);
}

TEST_CASE("a window with more rows than are remembered is not looked back into, and that is told") {
    test::WindowServer server;
    for (int i = 0; i < 150; ++i)
        server.add(noon - 150 * s + i * s, std::to_string(i));
    const std::string incremental = R"("start":"2026-01-01T11:50:00Z","delay":"0s","lookback":"1h")";
    Run run;
    Reading reading{run.host, settings_of(server, incremental, 1000, 100)};
    REQUIRE(reading.tick().kind == Kind::over);
    CHECK(reading.windows().look_back_cut());
    CHECK(run.host.metric("lookback_fingerprints_dropped") == 150);
    run.host.set_wall(noon + minute);
    server.add(noon, "7");
    REQUIRE(reading.tick().kind == Kind::over);
    CHECK(server.ranges().back() == Edges{noon, noon + minute});
}
