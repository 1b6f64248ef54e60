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

constexpr std::int64_t s = 1'000'000'000, minute = 60 * s, hour = 60 * minute;
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

    explicit Stage(Settings with, test::RecordingHost::State state = {}) : settings(std::move(with)), windows(settings, stage::Host{host.table()}) {
        host.set_wall(noon);
        host.set_state(std::move(state));
        REQUIRE(windows.open(false).ok());
        windows.planner().begin_tick(noon);
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
