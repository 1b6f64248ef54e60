#include "observe/status_json.hpp"

#include "config/json_text.hpp"

#include "support/catch.hpp"

#include <string>

using namespace fluxgate;
using namespace fluxgate::observe;
using rapidjson::Value;

namespace {

MetricSample sample(const char* name, double value, const char* label = nullptr, const char* of = nullptr) {
    MetricSample out;
    out.name = name;
    out.labels = {{"pipeline", "p"}, {"stage", "input"}};
    if (label != nullptr) out.labels.emplace_back(label, of);
    out.kind = FG_METRIC_GAUGE;
    out.value = value;
    return out;
}

Report report() {
    Report out;
    out.version = "1.2.3";
    out.wall_ns = 2'000'000'000'000;
    out.began_wall_ns = 1'990'000'000'000;
    PipelineStatus p;
    p.id = "p";
    p.display_name = "Plant \"4\"\xff";
    p.state = PipelineState::running;
    p.started_wall_ns = 1'990'000'000'000;
    p.queue_total_bytes = 100;
    StageStatus input, files;
    input.counters = {"input", "input/influxdbv2@v1", 0, 10, 0, 0, 2, 0, 0};
    input.health = {"input", FG_HEALTH_NEEDS_ATTENTION, 1'000'000'000, "unauthorized", "HTTP 401"};
    files.counters = {"files", "output/file@v1", 9, 8, 0, 0, 0, 0, 0};
    files.kind = FG_KIND_OUTPUT;
    files.queued = true;
    files.queued_bytes = 60;
    p.stages = {input, files};
    p.edges = {{"input", "files", 10}};
    p.partitions = {{5, 60, 1}, {3, 0, 0}};
    p.counters.queued_bytes = 60;
    p.counters.dead_letters = 2;
    p.counters.dead_letters_by_reason = {{"jq-error", 2}};
    p.counters.stages = {input.counters, files.counters};
    p.troubles = {{1'500'000'000, LogLevel::error, "input", "query.failed", "no", "</script><b>said</b>"}};
    p.examples = {{1'500'000'000, "input", "jq-error", "jq cannot divide \"secret of the house\"", 1, "{\"secret of the house\":1}", true}};
    out.pipelines = {p};
    out.metrics = {sample("cursor_timestamp_seconds", 1500),
                   sample("cursor_stop_timestamp_seconds", 1800),
                   sample("window_seconds", 60),
                   sample("window_start_timestamp_seconds", 1500, "lane", "0"),
                   sample("window_start_timestamp_seconds", 0, "lane", "1"),
                   sample("window_stop_timestamp_seconds", 1560, "lane", "0"),
                   sample("window_stop_timestamp_seconds", 0, "lane", "1"),
                   sample("windows_waiting", 3)};
    return out;
}

} // namespace

TEST_CASE("the status is one object of JSON with the graph, the queues, the windows and the words of the server apart") {
    const config::JsonText read = config::parse_json(status_json(report(), true));
    REQUIRE(read.parsed);
    const Value& status = read.dom;
    CHECK(std::string{status["version"].GetString()} == "1.2.3");
    CHECK(status["nowMs"].GetInt64() == 2'000'000);
    CHECK(status["uptimeSeconds"].GetDouble() == 10);
    const Value& p = status["pipelines"][0];
    CHECK(std::string{p["displayName"].GetString()} == "Plant \"4\"\xef\xbf\xbd");
    CHECK(std::string{p["state"].GetString()} == "running");
    CHECK_FALSE(p.HasMember("outcome"));
    CHECK(p["delivered"].GetInt() == 8);
    CHECK(p["rows"].GetInt() == 12);
    CHECK(p["queue"]["bytes"].GetInt() == 60);
    CHECK(p["cursor"]["seconds"].GetDouble() == 1500);
    CHECK(p["cursor"]["lagSeconds"].GetDouble() == 300); // behind the stop, which has passed
    CHECK(p["windows"]["waiting"].GetInt() == 3);
    CHECK(p["windows"]["lanes"][0]["stopSeconds"].GetDouble() == 1560);
    CHECK_FALSE(p["windows"]["lanes"][1]["reads"].GetBool());
    CHECK(std::string{p["edges"][0]["to"].GetString()} == "files");
    CHECK(p["edges"][0]["messages"].GetInt() == 10);
    CHECK_FALSE(p["stages"][0].HasMember("queue"));
    CHECK(p["stages"][1]["queue"]["bytes"].GetInt() == 60);
    CHECK(std::string{p["stages"][0]["health"]["level"].GetString()} == "needs attention");
    CHECK(p["partitions"].Size() == 2);
    CHECK(std::string{p["troubles"][0]["serverSaid"].GetString()} == "</script><b>said</b>");
    CHECK(std::string{p["reasons"][0]["examples"][0]["raw"].GetString()} == "{\"secret of the house\":1}");
    CHECK(p["reasons"][0]["examples"][0]["cut"].GetBool());
}

TEST_CASE("a source that counts its queries without saying how they ended leaves the status an object") {
    Report r = report();
    r.metrics.push_back(sample("queries", 5));
    CHECK(config::parse_json(status_json(r, true)).parsed);
}

TEST_CASE("what rows say is left out for whoever is not on this machine") {
    const std::string text = status_json(report(), false);
    CHECK(text.find("secret of the house") == std::string::npos);
    CHECK(text.find("jq-error") != std::string::npos);
    CHECK(text.find("\"data\":false") != std::string::npos);
}

TEST_CASE("plain reading has neither cursor nor windows, and a pipeline that failed says how") {
    Report r = report();
    r.metrics.clear();
    r.pipelines[0].state = PipelineState::finished;
    r.pipelines[0].outcome = Outcome{Ending::failed, "files", Error{Errc::io, "the disk is full", "no space"}};
    const config::JsonText read = config::parse_json(status_json(r, true));
    REQUIRE(read.parsed);
    const Value& p = read.dom["pipelines"][0];
    CHECK_FALSE(p.HasMember("cursor"));
    CHECK_FALSE(p.HasMember("windows"));
    CHECK(std::string{p["outcome"]["how"].GetString()} == "failed");
    CHECK(std::string{p["outcome"]["text"].GetString()} == "the disk is full");
    CHECK(std::string{p["outcome"]["serverSaid"].GetString()} == "no space");
}
