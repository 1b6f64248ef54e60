// `run --metrics`: what is served while a pipeline runs, and to whom.
#include "runner.hpp"
#include "support/catch.hpp"
#include "support/exposition_check.hpp"
#include "support/paths.hpp"
#include "support/plain_get.hpp"

#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

using namespace fluxgate;
using test::get;

namespace {

// The port that the system chose, from the log line that says so.
std::uint16_t port_of(test::Process& process) {
    const std::string mark = "address=127.0.0.1:";
    REQUIRE(process.until_error(mark, std::chrono::seconds{20}));
    const std::string& err = process.errors();
    REQUIRE(err.find('\n', err.find(mark)) != std::string::npos);
    return static_cast<std::uint16_t>(std::atoi(err.c_str() + err.find(mark) + mark.size()));
}

bool until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (std::chrono::steady_clock::now() < end) {
        if (condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
    return false;
}

} // namespace

TEST_CASE("metrics of a running pipeline keep every rule of the format, agree with what was written, and hold no secret") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.json", test::files_document(server->port(), directory.path() + "/out"));
    const auto run = test::start_fluxgate({"run", file, "--metrics", "0"}, directory.path());
    const std::uint16_t port = port_of(*run);
    REQUIRE(until([&] { return get(port, "/readyz").status == 200; }));
    CHECK(get(port, "/readyz").body == "{\"status\":\"ready\",\"reasons\":[]}\n");
    CHECK(get(port, "/healthz").status == 200);
    REQUIRE(until([&] {
        return test::check_exposition(get(port, "/metrics").body).at("fluxgate_messages_delivered_total{partition=\"0\",pipeline=\"plant\"}") > 0;
    }));
    const std::string source = "pipeline=\"plant\",stage=\"input\"}";
    test::Got got;
    test::Exposed e;
    // Between two queries both are the same; in the middle of one the rows are told a few times a second.
    CHECK(until([&] {
        got = get(port, "/metrics");
        e = test::check_exposition(got.body);
        return e.at("fluxgate_rows_read_total{" + source) == e.at("fluxgate_stage_out_messages_total{" + source);
    }));
    CHECK(got.head.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n") != std::string::npos);
    for (const std::string& fault : e.faults)
        FAIL_CHECK(fault);
    CHECK(e.at("fluxgate_queries_total{outcome=\"complete\"," + source) >= 1);
    CHECK(e.at("fluxgate_query_seconds_count{" + source) == e.at("fluxgate_queries_total{outcome=\"complete\"," + source));
    CHECK(e.at("fluxgate_body_bytes_total{" + source) > 0);
    CHECK(e.at("fluxgate_jq_memo_hits_total{" + source) > 0);
    CHECK(e.at("process_resident_memory_bytes") > 1e6);
    double delivered = 0;
    for (const auto& [series, value] : e.samples)
        if (series.rfind("fluxgate_messages_delivered_total", 0) == 0) delivered += value;
    CHECK(delivered == e.at("fluxgate_stage_out_messages_total{pipeline=\"plant\",stage=\"files\"}"));
    CHECK(got.body.find(test::token) == std::string::npos);

    CHECK(get(port, "/metrics", "Sec-Fetch-Site: cross-site\r\n").status == 403);
    CHECK(get(port, "/metrics", "Origin: http://evil.example\r\n").status == 403);
    CHECK(test::say(port, "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n").status == 421);
    CHECK(test::say(port, "POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n").status == 405);
    run->signal(SIGTERM);
    CHECK(run->wait(std::chrono::seconds{30}).code == 143);
}

TEST_CASE("a token that is refused shows in healthz and readyz with its reason, and is not named") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.json", test::files_document(server->port(), directory.path() + "/out"));
    const std::string wrong = "not-the-token-of-that-server";
    test::Process run{
        FLUXGATE_BINARY_DIR "/bin/fluxgate", {"run", file, "--metrics", "127.0.0.1:0"}, {{"AKV_ACCESS_TOKEN", wrong}}, directory.path()};
    const std::uint16_t port = port_of(run);
    REQUIRE(until([&] { return get(port, "/healthz").status == 503; }));
    const test::Got health = get(port, "/healthz"), ready = get(port, "/readyz");
    CHECK(health.body.find("\"level\":\"needs attention\"") != std::string::npos);
    CHECK(health.body.find("401") != std::string::npos);
    CHECK(ready.status == 503);
    CHECK(ready.body.find("has not read a complete answer yet") != std::string::npos);
    const std::string metrics = get(port, "/metrics").body;
    CHECK(test::check_exposition(metrics).at("fluxgate_retries_total{class=\"needs_person\",pipeline=\"plant\",stage=\"input\"}") == 1);
    for (const std::string& text : {health.body, ready.body, metrics})
        CHECK(text.find(wrong) == std::string::npos);
    run.signal(SIGTERM);
    CHECK(run.wait(std::chrono::seconds{30}).code == 143);
}

TEST_CASE("an address that is wrong or taken ends the program with 2 before anything is read") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.json", test::files_document(server->port(), directory.path() + "/out"));
    for (const std::string& wrong : {std::string{"example.com:9464"}, std::string{"99999"}, std::string{"::1:9464"}}) {
        const test::Finished f = test::run_fluxgate({"run", file, "--once", "--metrics", wrong}, directory.path());
        CHECK(f.code == 2);
        CHECK(f.err.find("--metrics " + wrong) != std::string::npos);
        CHECK(f.err.find("[::1]:9464") != std::string::npos); // how it is written
    }
    const std::string taken = std::to_string(server->port());
    const test::Finished f = test::run_fluxgate({"run", file, "--once", "--metrics", taken}, directory.path());
    CHECK(f.code == 2);
    CHECK(f.err.find("127.0.0.1:" + taken + " cannot be listened on") != std::string::npos);
    CHECK(server->queries() == 0);
}
