#include "observe/answer.hpp"
#include "observe/health.hpp"
#include "observe/listen.hpp"

#include "support/catch.hpp"

#include <map>
#include <string>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::observe;

namespace {

Report report_with(PipelineState state, fg_health_level level, double complete) {
    Report out;
    out.version = "1.0.0";
    PipelineStatus p;
    p.id = "p";
    p.state = state;
    StageStatus input;
    input.counters = {"input", "input/influxdbv2@v1", 0, 0, 0, 0, 0, 0, 0};
    input.health = {"input", level, level == FG_HEALTH_OK && complete == 0 ? 0 : 1'000'000'000, "unauthorized", "HTTP 401 \"no\""};
    p.stages = {input};
    p.counters.stages = {input.counters};
    out.pipelines.push_back(p);
    MetricSample queries;
    queries.name = "queries";
    queries.labels = {{"outcome", complete > 0 ? "complete" : "failed"}, {"pipeline", "p"}, {"stage", "input"}};
    queries.value = std::max(complete, 1.0);
    out.metrics.push_back(queries);
    return out;
}

Request get(const std::string& target) {
    Request out;
    out.method = "GET";
    out.target = target;
    out.host = "localhost:9464";
    return out;
}

std::string header(const Answer& answer, const std::string& name) {
    for (const auto& [key, value] : answer.headers)
        if (key == name) return value;
    return {};
}

const Pages& pages() {
    static const Pages made{true, [] { return report_with(PipelineState::running, FG_HEALTH_OK, 1); }};
    return made;
}

} // namespace

TEST_CASE("which request gets which status") {
    struct Row {
        const char* what;
        int status;
        std::function<void(Request&)> change;
    };
    const std::vector<Row> table{
        {"plain", 200, [](Request&) {}},
        {"HEAD", 200, [](Request& r) { r.method = "HEAD"; }},
        {"a query is ignored", 200, [](Request& r) { r.target = "/metrics?x=1"; }},
        {"POST", 405, [](Request& r) { r.method = "POST"; }},
        {"OPTIONS: no other site is ever allowed", 405, [](Request& r) { r.method = "OPTIONS"; }},
        {"TRACE", 405, [](Request& r) { r.method = "TRACE"; }},
        {"a body", 400, [](Request& r) { r.has_body = true; }},
        {"no host", 400, [](Request& r) { r.host.clear(); }},
        {"another path", 404, [](Request& r) { r.target = "/metrics/"; }},
        {"no path at all", 404, [](Request& r) { r.target = "*"; }},
        {"climbing", 404, [](Request& r) { r.target = "/../etc/passwd"; }},
        {"127.0.0.1", 200, [](Request& r) { r.host = "127.0.0.1:1"; }},
        {"[::1]", 200, [](Request& r) { r.host = "[::1]:9464"; }},
        {"without a port", 200, [](Request& r) { r.host = "LOCALHOST"; }},
        {"a name that was made to point here", 421, [](Request& r) { r.host = "evil.example:9464"; }},
        {"a name that looks like ours", 421, [](Request& r) { r.host = "localhost.evil.example"; }},
        {"an address that is not ours", 421, [](Request& r) { r.host = "10.0.0.1:9464"; }},
        {"a number that is read as an address by some", 421, [](Request& r) { r.host = "127.1"; }},
        {"the page's own script", 200, [](Request& r) { r.fetch_site = "same-origin"; }},
        {"typed by a person", 200, [](Request& r) { r.fetch_site = "none"; }},
        {"another site's script", 403, [](Request& r) { r.fetch_site = "cross-site"; }},
        {"a site beside us", 403, [](Request& r) { r.fetch_site = "same-site"; }},
        {"a link from another site to what is no page", 403,
         [](Request& r) {
             r.fetch_site = "cross-site";
             r.fetch_mode = "navigate";
             r.fetch_dest = "document";
         }},
        {"our origin", 200, [](Request& r) { r.origin = "http://localhost:9464"; }},
        {"another port's origin", 403, [](Request& r) { r.origin = "http://localhost:8080"; }},
        {"no origin that may be named", 403, [](Request& r) { r.origin = "null"; }},
    };
    for (const Row& row : table) {
        INFO(row.what);
        Request request = get("/metrics");
        row.change(request);
        const Answer answer = pages().answer(request);
        CHECK(answer.status == row.status);
        CHECK(header(answer, "Cache-Control") == "no-store");
        CHECK(header(answer, "X-Content-Type-Options") == "nosniff");
        CHECK(header(answer, "Referrer-Policy") == "no-referrer");
        CHECK(header(answer, "Content-Security-Policy").rfind("default-src 'none'", 0) == 0);
        CHECK(header(answer, "Access-Control-Allow-Origin").empty());
    }
}

TEST_CASE("on an address that is not the loopback's any name is answered") {
    const Pages open{false, [] { return report_with(PipelineState::running, FG_HEALTH_OK, 1); }};
    Request request = get("/healthz");
    request.host = "collector.plant-4.example:9464";
    CHECK(open.answer(request).status == 200);
}

TEST_CASE("a report is made only for who is answered") {
    int asked = 0;
    const Pages counting{true, [&asked] {
                             ++asked;
                             return report_with(PipelineState::running, FG_HEALTH_OK, 1);
                         }};
    Request foreign = get("/metrics");
    foreign.fetch_site = "cross-site";
    CHECK(counting.answer(foreign).status == 403);
    CHECK(counting.answer(get("/nothing")).status == 404);
    CHECK(asked == 0);
    CHECK(counting.answer(get("/metrics")).status == 200);
    CHECK(asked == 1);
}

TEST_CASE("healthz is bad when a person is needed or the pipeline failed, and says why as JSON") {
    CHECK(healthz(report_with(PipelineState::running, FG_HEALTH_OK, 1)).json == "{\"status\":\"ok\",\"reasons\":[]}\n");
    const Verdict retrying = healthz(report_with(PipelineState::running, FG_HEALTH_RETRYING, 1));
    CHECK(retrying.good);
    CHECK(retrying.json.rfind("{\"status\":\"retrying\",\"reasons\":[{", 0) == 0);
    const Verdict person = healthz(report_with(PipelineState::running, FG_HEALTH_NEEDS_ATTENTION, 1));
    CHECK_FALSE(person.good);
    CHECK(person.json == "{\"status\":\"failing\",\"reasons\":[{\"pipeline\":\"p\",\"stage\":\"input\",\"level\":\"needs attention\","
                         "\"code\":\"unauthorized\",\"text\":\"HTTP 401 \\\"no\\\"\",\"since\":\"1970-01-01T00:00:01.000Z\"}]}\n");
    Report failed = report_with(PipelineState::finished, FG_HEALTH_OK, 1);
    failed.pipelines[0].outcome = Outcome{Ending::failed, "files", Error{Errc::io, "the disk is full"}};
    const Verdict dead = healthz(failed);
    CHECK_FALSE(dead.good);
    CHECK(dead.json.find("the disk is full") != std::string::npos);
}

TEST_CASE("readyz waits for the first complete answer, and then for nothing but the end") {
    const Verdict waiting = readyz(report_with(PipelineState::running, FG_HEALTH_RETRYING, 0));
    CHECK_FALSE(waiting.good);
    CHECK(waiting.json == "{\"status\":\"waiting\",\"reasons\":[{\"pipeline\":\"p\",\"text\":\"the source has not read a complete answer yet: HTTP "
                          "401 \\\"no\\\"\"}]}\n");
    CHECK(readyz(report_with(PipelineState::running, FG_HEALTH_OK, 1)).json == "{\"status\":\"ready\",\"reasons\":[]}\n");
    CHECK(readyz(report_with(PipelineState::running, FG_HEALTH_RETRYING, 1)).good);
    CHECK_FALSE(readyz(report_with(PipelineState::created, FG_HEALTH_OK, 1)).good);
    CHECK_FALSE(readyz(report_with(PipelineState::draining, FG_HEALTH_OK, 1)).good);
    Report silent = report_with(PipelineState::running, FG_HEALTH_OK, 0);
    silent.metrics.clear(); // a source that counts no answers
    CHECK_FALSE(readyz(silent).good);
    silent.pipelines[0].counters.messages = 1;
    CHECK(readyz(silent).good);
}

TEST_CASE("where to listen: a port alone is the loopback address's") {
    struct Row {
        const char* text;
        const char* shown;
        bool loopback;
    };
    for (const Row& row :
         {Row{"9464", "127.0.0.1:9464", true}, Row{"0", "127.0.0.1:0", true}, Row{"localhost:1", "127.0.0.1:1", true},
          Row{"127.0.0.2:65535", "127.0.0.2:65535", true}, Row{"0.0.0.0:9464", "0.0.0.0:9464", false}, Row{"[::1]:9464", "[::1]:9464", true},
          Row{"[::]:9464", "[::]:9464", false}, Row{"10.1.2.3:9464", "10.1.2.3:9464", false}}) {
        INFO(row.text);
        const Result<Listen> parsed = parse_listen(row.text);
        REQUIRE(parsed.ok());
        CHECK(parsed->text() == row.shown);
        CHECK(parsed->loopback() == row.loopback);
    }
    for (const char* text : {"", ":9464", "65536", "-1", "94 64", "0x10", "example.com:9464", "::1:9464", "[::1]", "[::1]9464", "[127.0.0.1]:1",
                             "[]:1", "1.2.3:9464", "127.0.0.1:", "http://127.0.0.1:9464"}) {
        INFO(text);
        const Result<Listen> parsed = parse_listen(text);
        REQUIRE_FALSE(parsed.ok());
        CHECK(parsed.error().message.find("write PORT, ADDRESS:PORT or [ADDRESS]:PORT") != std::string::npos);
    }
}
