// The bookkeeping of windows: what is stored of them, and when.
#include "windows.hpp"

#include "support/catch.hpp"
#include "support/source_driver.hpp"
#include "window/cursor.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::influxdb;
using Kind = window::Planner::Step::Kind;

namespace {

const window::Instant noon = *window::parse_instant("2026-01-01T12:00:00Z");

Settings settings_of(const std::string& incremental) {
    std::string text = test::influx_document(8086, R"(,"incremental":{)" + incremental + R"(},"read":{"bucket":"plant"})");
    const std::string query = R"json("query":{"expression":"from(bucket:\"plant\") |> range(start: -1h)"},)json";
    text.replace(text.find(query), query.size(), "");
    ParsedSettings parsed = parse_settings(text);
    REQUIRE(parsed.settings.has_value());
    return std::move(*parsed.settings);
}

struct Stage {
    test::RecordingHost host;
    const Settings settings;
    Windows windows;

    explicit Stage(Settings with, test::RecordingHost::State state = {}, bool accept_changed_query = false)
        : settings(std::move(with)), windows(settings, stage::Host{host.table()}) {
        host.set_wall(noon);
        host.set_state(std::move(state));
        REQUIRE(windows.open(accept_changed_query).ok());
        windows.planner().begin_tick(noon);
    }
    // Reads the next window, in which these rows were new, and delivers it.
    window::Planner::Step deliver(std::vector<std::uint64_t> prints) {
        window::Planner::Step step = windows.planner().next(noon);
        REQUIRE(step.kind == Kind::read);
        REQUIRE(windows.before_batch(step.id).ok());
        const std::uint64_t sequence = windows.emitted(step.id);
        const std::uint64_t rows = prints.size();
        windows.complete(step.id, {rows, {std::move(prints)}});
        windows.acknowledged(sequence, true);
        return step;
    }
    [[nodiscard]] window::Instant stored() const { return window::parse_cursor(host.state().at("cursor"))->position; }
};

} // namespace

TEST_CASE("more windows than may wait are passed where each row became a dead letter and no batch ever leaves") {
    Stage stage{settings_of(R"("start":"2026-01-01T00:00:00Z","window":"2s","delay":"0s")")};
    const std::size_t most = planner_policy(*stage.settings.incremental).max_waiting;
    window::Instant edge = 0;
    for (std::size_t i = 0; i < most + 10; ++i) {
        const window::Planner::Step step = stage.windows.planner().next(noon);
        REQUIRE(step.kind == Kind::read);
        stage.windows.complete(step.id, {1, {}});
        edge = step.edges.stop;
        REQUIRE(stage.stored() == edge); // its dead letters are durable with it
    }
    CHECK(stage.windows.planner().waiting() == 0);
}

TEST_CASE("a run without look-back forgets what an earlier one remembered, so that a later one delivers nothing again") {
    const std::string plain = R"("start":"2026-01-01T10:00:00Z","window":"10m","delay":"0s")", looking = plain + R"(,"lookback":"1h")";
    Stage first{settings_of(looking)};
    first.deliver({1, 2, 3});
    REQUIRE(first.host.state().count("fingerprints") == 1);
    Stage second{settings_of(plain), first.host.state()};
    CHECK(second.host.state().count("fingerprints") == 0); // before anything is read
    second.deliver({});
    Stage third{settings_of(looking), second.host.state()};
    const window::Planner::Step step = third.windows.planner().next(noon);
    CHECK(step.look_back);
    CHECK(third.windows.range_of(step.edges, true) == step.edges);
    CHECK(third.windows.memory()->known() == 0);
}

TEST_CASE("rows that are read and not acknowledged are known, but not in the memory that is stored") {
    Stage stage{settings_of(R"("start":"2026-01-01T10:00:00Z","window":"10m","delay":"0s","lookback":"1h")")};
    stage.deliver({1, 2, 3});
    const window::Planner::Step step = stage.windows.planner().next(noon);
    REQUIRE(stage.windows.before_batch(step.id).ok());
    const std::uint64_t sequence = stage.windows.emitted(step.id);
    stage.windows.complete(step.id, {2, {{4, 5}}});
    CHECK(stage.windows.memory()->knows(4));
    const window::Planner::Step further = stage.windows.planner().next(noon);
    REQUIRE(further.kind == Kind::read);
    REQUIRE(stage.windows.before_batch(further.id).ok()); // which stores
    Stage killed{stage.settings, stage.host.state()};
    CHECK(killed.windows.memory()->knows(1));
    CHECK_FALSE(killed.windows.memory()->knows(4));
    stage.windows.acknowledged(sequence, true);
    Stage later{stage.settings, stage.host.state()};
    CHECK(later.windows.memory()->knows(1));
    CHECK(later.windows.memory()->knows(4));
}

TEST_CASE("look-back reaches back to a cursor that a person set, and no further") {
    Stage first{settings_of(R"("start":"2026-01-01T10:00:00Z","window":"10m","delay":"0s","lookback":"1h")")};
    first.deliver({1, 2, 3});
    for (const char* to : {"2026-01-01T09:00:00Z", "2026-01-01T10:05:00Z", "2026-01-01T10:30:00Z"}) {
        INFO(to);
        auto state = first.host.state();
        window::Cursor cursor;
        cursor.position = *window::parse_instant(to);
        state["cursor"] = window::cursor_text(cursor, noon);
        Stage moved{first.settings, state};
        const window::Planner::Step step = moved.windows.planner().next(noon);
        CHECK(step.look_back);
        CHECK(moved.windows.range_of(step.edges, true) == step.edges);
        CHECK(moved.windows.memory()->known() == 0); // rows of it come again
    }
}

TEST_CASE("look-back does not go back over what another query delivered that was taken over") {
    const std::string incremental = R"("start":"2026-01-01T10:00:00Z","window":"10m","delay":"0s","lookback":"1h")";
    Stage first{settings_of(incremental)};
    first.deliver({1, 2, 3});
    Settings other = settings_of(incremental);
    other.query += " |> map(fn: (r) => r)";
    Stage second{other, first.host.state(), true};
    const window::Planner::Step step = second.windows.planner().next(noon);
    CHECK(second.windows.range_of(step.edges, true) == step.edges);
}

TEST_CASE("what look-back remembers stays over a restart, also where windows are aligned otherwise") {
    const std::string incremental = R"("start":"2026-01-01T10:00:00Z","window":"10m","delay":"0s","lookback":"1h")";
    Stage first{settings_of(incremental)};
    const window::Planner::Step step = first.deliver({1, 2, 3});
    for (const char* align : {"", R"(,"align":"15m")"}) {
        Stage second{settings_of(incremental + align), first.host.state()};
        CHECK(second.windows.memory()->known() == 3);
        const window::Planner::Step next = second.windows.planner().next(noon);
        CHECK(second.windows.range_of(next.edges, true).start == step.edges.start);
    }
}
