// The status page of a running program, as a browser shows it. Screenshots are left in build/PRESET/tests/status_page.
#include "browser.hpp"

#include "sample_server/server.hpp"
#include "support/catch.hpp"
#include "support/paths.hpp"
#include "support/plain_get.hpp"
#include "support/process.hpp"
#include "support/raw_server.hpp"

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

using namespace fluxgate;
using test::Browser;

namespace {

const std::string token = "Q9-sample-token-for-tests==";
const std::string program = FLUXGATE_BINARY_DIR "/bin/fluxgate";

// False where there is no browser; ctest then counts the test as skipped.
bool can_look() {
    if (!test::chromium().empty()) return true;
    std::cout << "skipped: Chromium is not installed (Debian's package chromium)\n";
    return false;
}

std::string source_of(std::uint16_t port, const std::string& query, const std::string& more) {
    return R"json({"displayName": "Plant 4", "type": "input/influxdbv2@v1", "url": "http://127.0.0.1", "port": )json" + std::to_string(port) +
           R"json(, "organization": "test-org", "interval": "1s", "format": {"type": "json"},
      "authentication": {"type": "accessToken", "accessToken": "TOKEN"}, "query": {"expression": ")json" +
           query + R"json("}, )json" + more + R"json(, "next": ["archive", "copy"]})json";
}

std::string pipeline_of(const std::string& source, const std::string& root) {
    const auto output = [&root](const std::string& name, const std::string& folder) {
        return R"json({"displayName": ")json" + name + R"json(", "type": "output/file@v1", "rootDirectory": ")json" + root + "/" + folder +
               R"json(", "filePath": "{{partitionId}}-{{fileNumber}}.jsonl", "format": {"type": "jsonStream", "path": "."}, "batch": {"time": "1s"}})json";
    };
    return R"json({"displayName": "Plant 4 to the archive", "input": )json" + source + R"json(, "stages": {"archive": )json" +
           output("Archive", "archive") + R"json(, "copy": )json" + output("Copy for the laboratory", "copy") + "}}";
}

// Windows up to a stop; one field has no place, and says so in words that would do harm if a page believed them.
std::string incremental_document(std::uint16_t port, const std::string& root) {
    return pipeline_of(
        source_of(
            port,
            R"(from(bucket: \"plant\") |> range(start: v.timeRangeStart, stop: v.timeRangeStop) |> filter(fn: (r) => r._measurement == \"machine\"))",
            R"json("partitionCount": 4, "partitionStrategy": {"type": "key", "expression":
        "if .payload._field == \"parts\" then error(\"<img src=x onerror='window.hacked=1'> has no place\") else .payload.machine end"},
      "incremental": {"start": "2026-01-01T00:00:00Z", "stop": "2026-01-01T06:00:00Z", "window": "1m", "concurrency": 2})json"),
        root);
}

struct Running {
    std::unique_ptr<test::Process> process;
    std::uint16_t port = 0;

    Running(const std::string& document, const test::TempDirectory& directory) {
        const std::string file = directory.write("plant-4.json", document);
        process = std::make_unique<test::Process>(
            program, std::vector<std::string>{"run", file, "--metrics", "0", "--instance", "edge-7", "--state", directory.path()},
            std::map<std::string, std::string>{{"TOKEN", token}}, directory.path());
        const std::string mark = "address=127.0.0.1:";
        if (!process->until_error(mark, std::chrono::seconds{20})) FAIL(process->errors());
        port = static_cast<std::uint16_t>(std::atoi(process->errors().c_str() + process->errors().find(mark) + mark.size()));
    }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port) + "/"; }
};

void take_pictures(Browser& browser, const std::string& name) {
    std::filesystem::create_directories(FLUXGATE_SCREENSHOTS);
    for (const int width : {1280, 400})
        for (const bool dark : {false, true}) {
            browser.look(width, 900, dark);
            const std::string file =
                std::string{FLUXGATE_SCREENSHOTS} + "/" + name + "-" + std::to_string(width) + (dark ? "-dark" : "-light") + ".png";
            INFO(file);
            CHECK(browser.until("document.querySelector('#flow svg')", std::chrono::seconds{5}));
            // Nothing sticks out sideways, and a picture of a graph that is wider than its room is drawn from top to bottom.
            CHECK(browser.evaluate("document.documentElement.scrollWidth <= innerWidth") == "true");
            CHECK(
                browser.until("document.querySelector('#flow').scrollWidth <= document.querySelector('#flow').clientWidth", std::chrono::seconds{5}));
            browser.screenshot(file);
            CHECK(std::filesystem::file_size(file) > 10'000);
        }
}

// The texts whose contrast with what lies behind them is below 4.5 (WCAG 2.1, 1.4.3), as JSON.
const std::string faint = R"js((() => {
  const rgb = (c) => (c.match(/[\d.]+/g) || []).map(Number);
  const light = (c) => { const [r, g, b] = rgb(c).map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor, p = rgb(c); if (p.length === 3 || p[3] === 1) return c; } return 'rgb(255, 255, 255)'; };
  const out = [];
  for (const e of document.body.querySelectorAll('*')) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    if (!e.checkVisibility() || ['SCRIPT', 'NOSCRIPT', 'title'].includes(e.tagName)) continue;
    const style = getComputedStyle(e), ink = e instanceof SVGElement ? style.fill : style.color;
    const [a, b] = [light(ink), light(behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) out.push(e.textContent.trim() + ' ' + ink + ' on ' + behind(e));
  }
  return JSON.stringify(out);
})())js";

void check_quiet(Browser& browser, const Running& running) {
    for (const std::string& complaint : browser.complaints())
        FAIL_CHECK(complaint);
    for (const std::string& address : browser.requests())
        CHECK((address.rfind(running.url(), 0) == 0 || address.rfind("data:", 0) == 0)); // nothing comes from elsewhere
}

} // namespace

TEST_CASE("the page shows graph, rates, partitions, windows and dead letters of what runs, asks nobody else, and believes no text") {
    if (!can_look()) return;
    sample::ServerOptions options;
    options.token = token;
    auto delay = sample::parse_fault("delay-first-byte=150ms");
    REQUIRE(delay.ok());
    options.faults.push_back(*delay);
    const auto server = sample::Server::start(std::move(options));
    REQUIRE(server.ok());
    const test::TempDirectory directory;
    const Running running{incremental_document((*server)->port(), directory.path()), directory};

    Browser browser{test::chromium()};
    browser.look(1280, 900, false);
    browser.open(running.url());
    REQUIRE(
        browser.until("document.querySelector('#figures .value') && document.querySelector('#main')?.hidden === false", std::chrono::seconds{20}));
    REQUIRE(
        browser.until("[...document.querySelectorAll('.link text')].every((t) => /^[1-9].*\\/s$/.test(t.textContent))", std::chrono::seconds{20}));
    CHECK(browser.text_of("h1") == "Plant 4 to the archive");
    CHECK(browser.text_of("#subtitle") == "plant-4 on edge-7");
    CHECK(browser.text_of("#state") == "running");
    CHECK(browser.evaluate("document.querySelectorAll('.node').length") == "3");
    CHECK(browser.evaluate("document.querySelectorAll('.link.moves').length") == "2");
    CHECK(browser.evaluate("document.querySelector('#flow svg').getAttribute('aria-label')").find("input to archive: ") != std::string::npos);
    CHECK(browser.evaluate("document.querySelectorAll('#partitions tbody tr').length") == "4");
    CHECK(browser.text_of("#figures").find("rows/s") != std::string::npos);
    CHECK(browser.text_of("#figures").find("Done") != std::string::npos);
    CHECK(browser.text_of("#windows").find("2026-01-01") != std::string::npos);
    CHECK(browser.text_of("#windows").find("2026-01-01 06:00:00 UTC") != std::string::npos); // reads until
    CHECK(browser.text_of("#letters").find("jq-error") != std::string::npos);

    (void)browser.evaluate("document.querySelector('#letters summary').click()");
    REQUIRE(browser.until("document.querySelector('#letters details').open", std::chrono::seconds{5}));
    CHECK(browser.text_of("#letters").find("<img src=x onerror='window.hacked=1'> has no place") != std::string::npos);
    CHECK(browser.text_of("#letters pre").find("\"_field\":\"parts\"") != std::string::npos);
    CHECK(browser.evaluate("typeof window.hacked") == "undefined");
    CHECK(browser.evaluate("document.images.length") == "0");
    (void)browser.evaluate("new Promise((next) => setTimeout(next, 2500))"); // redrawn twice meanwhile
    CHECK(browser.evaluate("document.querySelector('#letters details').open") == "true");

    take_pictures(browser, "running");
    for (const bool dark : {false, true}) {
        browser.look(1280, 900, dark);
        CHECK(browser.evaluate(faint) == "[]");
    }
    CHECK(browser.evaluate("document.documentElement.outerHTML").find(token) == std::string::npos);
    check_quiet(browser, running);

    running.process->signal(SIGKILL);
    CHECK(browser.until("document.querySelector('#stale')?.hidden === false", std::chrono::seconds{20}));
    CHECK(browser.text_of("#stale").find("what is shown is old") != std::string::npos);
}

TEST_CASE("a server's words are shown as the server's, and as text") {
    if (!can_look()) return;
    const std::string said = R"({"code":"unauthorized","message":"<script>window.hacked=1</script> \u202eunauthorized access"})";
    test::RawServer server{test::Reply{
        {"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(said.size()) + "\r\n\r\n" + said}}};
    const test::TempDirectory directory;
    const Running running{
        pipeline_of(source_of(server.port(), R"(from(bucket: \"plant\") |> range(start: -1m))", R"("partitionCount": 40)"), directory.path()),
        directory};
    Browser browser{test::chromium()};
    browser.look(1280, 900, false);
    browser.open(running.url());
    REQUIRE(browser.until("document.querySelector('#main')?.hidden === false && document.querySelector('#problems')?.hidden === false",
                          std::chrono::seconds{20}));
    CHECK(browser.text_of("#state") == "running, needs attention");
    CHECK(browser.text_of("#problem-list").find("401") != std::string::npos);
    CHECK(browser.text_of("#problem-list p.words").find("script") == std::string::npos); // ours and the server's stand apart
    CHECK(browser.text_of("#problem-list blockquote .words") == "<script>window.hacked=1</script> \xef\xbf\xbdunauthorized access");
    CHECK(browser.text_of("#troubles blockquote .meta").find("The server said") != std::string::npos);
    CHECK(browser.text_of("#troubles blockquote .words") == "<script>window.hacked=1</script> \xef\xbf\xbdunauthorized access");
    CHECK(browser.evaluate("typeof window.hacked") == "undefined");
    CHECK(browser.evaluate("document.scripts.length") == "1");
    CHECK(browser.evaluate("document.querySelectorAll('#partitions tbody tr').length") == "16"); // the busiest, and the others as one
    CHECK(browser.text_of("#partitions").find("25 others") != std::string::npos);
    CHECK(browser.evaluate("document.querySelectorAll('.node.attention').length") == "1");
    take_pictures(browser, "trouble");
    for (const bool dark : {false, true}) {
        browser.look(1280, 900, dark);
        CHECK(browser.evaluate(faint) == "[]");
    }
    check_quiet(browser, running);
}

TEST_CASE("a page of another site gets nothing of the status into its hands") {
    if (!can_look()) return;
    sample::ServerOptions options;
    options.token = token;
    const auto server = sample::Server::start(std::move(options));
    REQUIRE(server.ok());
    const test::TempDirectory directory;
    const Running running{incremental_document((*server)->port(), directory.path()), directory};
    const std::string page = "<!doctype html><title>evil</title>";
    test::RawServer evil{
        test::Reply{{"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: " + std::to_string(page.size()) + "\r\n\r\n" + page}}};
    Browser browser{test::chromium()};
    browser.open("http://127.0.0.1:" + std::to_string(evil.port()) + "/");
    REQUIRE(browser.until("document.title === 'evil'", std::chrono::seconds{20}));
    CHECK(browser.evaluate("fetch('" + running.url() + "status.json').then((a) => a.text(), () => 'refused')") == "refused");
    // Without reading the answer: what it is told is still a refusal, and a frame stays empty.
    CHECK(browser.evaluate("new Promise((done) => { const f = document.createElement('iframe'); f.onload = () => { try { done(f.contentDocument === "
                           "null ? 'foreign' : f.contentDocument.body.innerText); } catch (e) { done('foreign'); } }; f.src = '" +
                           running.url() + "'; document.documentElement.append(f); })") != "");
    CHECK(test::get(running.port, "/", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n").status == 403);
    CHECK(test::get(running.port, "/", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n").status == 200);
}
