#include "observe/numbers.hpp"

#include "support/catch.hpp"

using namespace fluxgate;
using namespace fluxgate::observe;

namespace {

MetricSample sample(const char* name, double value, std::vector<std::pair<std::string, std::string>> labels) {
    MetricSample out;
    out.name = name;
    out.labels = std::move(labels);
    out.value = value;
    return out;
}

PipelineCounters counters() {
    PipelineCounters out;
    out.queued_bytes = 4096;
    out.dead_letters = 5;
    out.stages.push_back({"input", "input/influxdbv2@v1", 0, 90, 0, 0, 5, 0, 0});
    return out;
}

} // namespace

TEST_CASE("numbers are those of the pipeline's source, not of other pipelines and stages") {
    const std::vector<MetricSample> metrics{
        sample("rows_read", 100, {{"pipeline", "a"}, {"stage", "input"}}),
        sample("rows_read", 7000, {{"pipeline", "b"}, {"stage", "input"}}),
        sample("rows_read", 900, {{"pipeline", "a"}, {"stage", "files"}}),
        sample("body_bytes", 2000, {{"pipeline", "a"}, {"stage", "input"}}),
        sample("queries", 3, {{"outcome", "complete"}, {"pipeline", "a"}, {"stage", "input"}}),
        sample("queries", 2, {{"outcome", "failed"}, {"pipeline", "a"}, {"stage", "input"}}),
        sample("cursor_timestamp_seconds", 1000, {{"pipeline", "a"}, {"stage", "input"}}),
    };
    StageHealth health;
    health.level = FG_HEALTH_RETRYING;
    const Numbers n = numbers_of("a", counters(), {health}, metrics);
    CHECK(n.rows == 100);
    CHECK(n.body_bytes == 2000);
    CHECK(n.queued_bytes == 4096);
    CHECK(n.dead_letters == 5);
    CHECK(n.counts_answers);
    CHECK(n.complete_answers == 3);
    CHECK(n.cursor == 1000.0);
    CHECK_FALSE(n.stop);
    CHECK(n.health == FG_HEALTH_RETRYING);
}

TEST_CASE("rows of a source that does not count them are what it emitted and what became a dead letter") {
    const Numbers n = numbers_of("a", counters(), {}, {});
    CHECK(n.rows == 95);
    CHECK_FALSE(n.counts_answers);
}

TEST_CASE("lag is behind now, and behind the stop once that has passed; without a cursor there is none") {
    Numbers n;
    CHECK_FALSE(lag_of(n, 1000));
    n.cursor = 400;
    CHECK(lag_of(n, 1000) == 600.0);
    n.stop = 700;
    CHECK(lag_of(n, 1000) == 300.0);
    CHECK(lag_of(n, 500) == 100.0);
    CHECK(lag_of(n, 300) == 0.0); // a clock that went back
}
