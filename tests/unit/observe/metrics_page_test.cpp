#include "observe/exposition.hpp"
#include "observe/metrics_page.hpp"

#include "support/catch.hpp"
#include "support/exposition_check.hpp"

#include <cstdlib>
#include <limits>

using namespace fluxgate;
using namespace fluxgate::observe;
using test::check_exposition;
using test::Exposed;

namespace {

void check_clean(const Exposed& exposed) {
    for (const std::string& fault : exposed.faults)
        FAIL_CHECK(fault);
}

MetricSample sample(const char* name, std::int32_t kind, double value, Labels labels = {{"pipeline", "p"}, {"stage", "input"}}) {
    MetricSample out;
    out.name = name;
    out.labels = std::move(labels);
    out.kind = kind;
    out.value = value;
    return out;
}

Report report() {
    Report out;
    out.version = "1.2.3";
    out.wall_ns = 2'000'000'000'000;
    out.began_wall_ns = 1'900'000'000'000;
    out.process = {1e6, 2e6, 1.5, 10, 1024};
    PipelineStatus p;
    p.id = "p";
    p.state = PipelineState::running;
    p.queue_total_bytes = 16u << 20;
    p.counters.messages = 100;
    p.counters.batches = 7;
    p.counters.batches_delivered = 5;
    p.counters.dead_letters_by_reason = {{"type-mismatch", 3}, {"a \"quoted\"\nreason\\", 1}};
    StageStatus input, files;
    input.counters = {"input", "input/influxdbv2@v1", 0, 100, 0, 0, 4, 0, 0};
    input.health.level = FG_HEALTH_RETRYING;
    files.counters = {"files", "output/file@v1", 90, 80, 0, 0, 0, 10, 0};
    files.queued = true;
    files.queued_bytes = 4096;
    p.stages = {input, files};
    p.partitions = {{50, 0, 0}, {30, 4096, 1}};
    out.pipelines.push_back(p);
    MetricSample seconds = sample("query_seconds", FG_METRIC_HISTOGRAM, 2.5);
    seconds.count = 3;
    seconds.buckets = {{0.5, 1}, {1, 2}};
    out.metrics = {sample("cursor_lag_seconds", FG_METRIC_GAUGE, 7), sample("cursor_timestamp_seconds", FG_METRIC_GAUGE, 1900),
                   sample("queries", FG_METRIC_COUNTER, 3, {{"outcome", "complete"}, {"pipeline", "p"}, {"stage", "input"}}), seconds,
                   sample("rows_read", FG_METRIC_COUNTER, 104)};
    return out;
}

} // namespace

TEST_CASE("the page keeps every rule of the format, and each number is what it was given") {
    const Exposed e = check_exposition(metrics_page(report()));
    check_clean(e);
    CHECK(e.at("fluxgate_build_info{version=\"1.2.3\"}") == 1);
    CHECK(e.at("fluxgate_uptime_seconds") == 100);
    CHECK(e.at("process_resident_memory_bytes") == 1e6);
    CHECK(e.at("process_cpu_seconds_total") == 1.5);
    CHECK(e.at("fluxgate_pipeline_state{pipeline=\"p\",state=\"running\"}") == 1);
    CHECK(e.at("fluxgate_pipeline_state{pipeline=\"p\",state=\"finished\"}") == 0);
    CHECK(e.at("fluxgate_stage_health{level=\"retrying\",pipeline=\"p\",stage=\"input\"}") == 1);
    CHECK(e.at("fluxgate_stage_health{level=\"ok\",pipeline=\"p\",stage=\"files\"}") == 1);
    CHECK(e.at("fluxgate_messages_delivered_total{partition=\"0\",pipeline=\"p\"}") == 50);
    CHECK(e.at("fluxgate_messages_delivered_total{partition=\"1\",pipeline=\"p\"}") == 30);
    CHECK(e.at("fluxgate_dead_letters_total{pipeline=\"p\",reason=\"type-mismatch\"}") == 3);
    CHECK(e.at("fluxgate_dead_letters_total{pipeline=\"p\",reason=\"a \"quoted\"\nreason\\\"}") == 1);
    CHECK(e.at("fluxgate_stage_out_messages_total{pipeline=\"p\",stage=\"input\"}") == 100);
    CHECK(e.at("fluxgate_stage_abandoned_messages_total{pipeline=\"p\",stage=\"files\"}") == 10);
    CHECK(e.at("fluxgate_queue_bytes{pipeline=\"p\",stage=\"files\"}") == 4096);
    CHECK(e.at("fluxgate_queue_bytes{pipeline=\"p\",stage=\"input\"}") == -1); // there is none before it
    CHECK(e.at("fluxgate_rows_read_total{pipeline=\"p\",stage=\"input\"}") == 104);
    CHECK(e.at("fluxgate_queries_total{outcome=\"complete\",pipeline=\"p\",stage=\"input\"}") == 3);
    CHECK(e.at("fluxgate_query_seconds_bucket{le=\"0.5\",pipeline=\"p\",stage=\"input\"}") == 1);
    CHECK(e.at("fluxgate_query_seconds_bucket{le=\"+Inf\",pipeline=\"p\",stage=\"input\"}") == 3);
    CHECK(e.at("fluxgate_query_seconds_sum{pipeline=\"p\",stage=\"input\"}") == 2.5);
}

TEST_CASE("the lag is that of now, although nobody has reported it since, and stops at a stop that has passed") {
    Report r = report();
    CHECK(check_exposition(metrics_page(r)).at("fluxgate_cursor_lag_seconds{pipeline=\"p\",stage=\"input\"}") == 100);
    r.wall_ns += 1'000'000'000'000;
    CHECK(check_exposition(metrics_page(r)).at("fluxgate_cursor_lag_seconds{pipeline=\"p\",stage=\"input\"}") == 1100);
    r.metrics.insert(r.metrics.begin() + 1, sample("cursor_stop_timestamp_seconds", FG_METRIC_GAUGE, 1950));
    CHECK(check_exposition(metrics_page(r)).at("fluxgate_cursor_lag_seconds{pipeline=\"p\",stage=\"input\"}") == 50);
}

TEST_CASE("whatever stages call their measurements and labels, the page is well-formed and hides none of ours") {
    Report r = report();
    r.metrics = {
        sample("9lives-left", FG_METRIC_GAUGE, 9),
        sample("9lives_left", FG_METRIC_GAUGE, 8),
        sample("dead_letters", FG_METRIC_COUNTER, 5, {{"le", "x"}, {"__name__", "y"}, {"a b", "1"}, {"a_b", "2"}, {"0", "\xff\xfe"}}),
        sample("items_total", FG_METRIC_GAUGE, 1),
        sample("queue_count", FG_METRIC_GAUGE, std::numeric_limits<double>::infinity()),
        sample("temp\xc3\xa9rature", FG_METRIC_GAUGE, -0.25),
        sample("twice", FG_METRIC_COUNTER, 1),
        sample("twice", FG_METRIC_COUNTER, 2),
    };
    const Exposed e = check_exposition(metrics_page(r));
    check_clean(e);
    CHECK(e.at("fluxgate_dead_letters_total{pipeline=\"p\",reason=\"type-mismatch\"}") == 3);
    CHECK(e.types.at("fluxgate_stage_dead_letters_total") == "counter");
    CHECK(e.types.count("fluxgate_stage_stage_dead_letters_total") == 1);
    CHECK(e.at("fluxgate_items_total_value{pipeline=\"p\",stage=\"input\"}") == 1);
    CHECK(e.at("fluxgate_twice_total{pipeline=\"p\",stage=\"input\"}") == 1);
}

TEST_CASE("numbers are written so that they are read back as what they were") {
    for (const double value : {0.0, -1.0, 0.1, 1e15, 9007199254740992.0, 1e300, 1.0 / 3, 5e-324})
        CHECK(std::strtod(number_text(value).c_str(), nullptr) == value);
    CHECK(number_text(1234567) == "1234567");
    CHECK(number_text(0.005) == "0.005");
}

TEST_CASE("the judge of the format finds each fault that it is to find") {
    const std::string good = "# HELP a_total An a.\n# TYPE a_total counter\na_total{x=\"1\"} 1\na_total{x=\"2\"} 2e3\n";
    const std::string histogram =
        "# HELP size Size.\n# TYPE size histogram\nsize_bucket{le=\"1\"} 1\nsize_bucket{le=\"+Inf\"} 2\nsize_sum 3\nsize_count 2\n";
    check_clean(check_exposition(good + histogram));
    const auto changed = [](std::string text, const std::string& from, const std::string& to) {
        const std::size_t at = text.find(from);
        REQUIRE(at != std::string::npos);
        return text.replace(at, from.size(), to);
    };
    const std::vector<std::string> bad{
        good.substr(0, good.size() - 1),
        changed(good, "# HELP a_total An a.\n", ""),
        changed(good, "# TYPE a_total counter\n", ""),
        changed(good, "An a.", ""),
        changed(good, "counter", "counters"),
        changed(good, "counter", "gauge"),
        changed(good, "x=\"2\"", "x=\"1\""),
        changed(good, "x=\"2\"", "0x=\"2\""),
        changed(good, "x=\"2\"", "__x=\"2\""),
        changed(good, "x=\"2\"", "x=\"\\t\""),
        changed(good, "x=\"2\"", "x=\"2\",x=\"3\""),
        changed(good, "x=\"2\"", "le=\"2\""),
        changed(good, "x=\"2\"", "x=\"\xff\""),
        changed(good, " 2e3", " -2"),
        changed(good, " 2e3", " two"),
        changed(good, " 2e3", ""),
        good + histogram + "a_total{x=\"3\"} 1\n",
        good + "# HELP a_total Again.\n",
        good + "# HELP b_ms Milliseconds.\n# TYPE b_ms gauge\nb_ms 1\n",
        good + "# HELP aB B.\n# TYPE aB gauge\naB 1\n",
        good + "# HELP b_count B.\n# TYPE b_count gauge\nb_count 1\n",
        changed(histogram, "size_bucket{le=\"+Inf\"} 2\n", ""),
        changed(histogram, "size_bucket{le=\"+Inf\"} 2\n", "size_bucket{le=\"+Inf\"} 3\n"),
        changed(histogram, "size_bucket{le=\"1\"} 1\n", "size_bucket{le=\"1\"} 5\n"),
        changed(histogram, "size_sum 3\n", ""),
        changed(histogram, "size_count 2\n", ""),
        changed(histogram, "le=\"1\"", "l=\"1\""),
    };
    for (const std::string& text : bad) {
        INFO(text);
        CHECK_FALSE(check_exposition(text).faults.empty());
    }
}
