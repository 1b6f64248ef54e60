// `run --progress` on a terminal and without one.
#include "runner.hpp"
#include "support/catch.hpp"
#include "support/paths.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>

using namespace fluxgate;

namespace {

const std::string program = FLUXGATE_BINARY_DIR "/bin/fluxgate";

// A server that takes more than a second over one answer.
std::unique_ptr<sample::Server> slow_server() {
    sample::ServerOptions options;
    auto slow = sample::parse_fault("delay-rows=400:200ms");
    if (!slow.ok()) FAIL(slow.error().text());
    options.faults.push_back(*slow);
    return test::start_server(std::move(options));
}

std::vector<std::string> command(const std::string& file, const std::string& directory, std::vector<std::string> more) {
    std::vector<std::string> out{"/usr/bin/env", "-C", directory, "AKV_ACCESS_TOKEN=" + test::token, program, "run", file, "--once", "--progress"};
    out.insert(out.end(), more.begin(), more.end());
    return out;
}

bool is_log(const std::string& line) {
    return line.size() > 24 && line[4] == '-' && line[10] == 'T' && line[23] == 'Z';
}

// The numbers before " rows" in everything that was ever drawn.
std::set<std::string> row_counts(const std::string& bytes) {
    std::set<std::string> out;
    for (std::size_t at = bytes.find(" rows  "); at != std::string::npos; at = bytes.find(" rows  ", at + 1)) {
        const std::size_t begin = bytes.find_last_not_of("0123456789,", at - 1);
        out.insert(bytes.substr(begin + 1, at - begin - 1));
    }
    return out;
}

} // namespace

TEST_CASE("on a terminal one line changes in place while a long answer is read, and log lines stay whole above it") {
    const auto server = slow_server();
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.json", test::original_document(server->port()));
    const test::Shown shown = test::run_on_terminal(command(file, directory.path(), {"--log-level", "debug"}), 120, false, std::chrono::seconds{60});
    INFO(shown.bytes);
    REQUIRE(shown.code == 0);
    CHECK(shown.redrawn > 3);
    CHECK(row_counts(shown.bytes).size() >= 3); // rows are seen to come in, not only at the end of the query
    std::size_t progress = 0;
    for (const std::string& line : shown.lines) {
        const bool drawn = line.rfind("plant  ", 0) == 0;
        progress += drawn ? 1 : 0;
        CHECK((drawn || is_log(line)));
        CHECK_FALSE((is_log(line) && line.find(" rows/s") != std::string::npos));
    }
    CHECK(progress == 1); // what was last shown stays, and nothing else of it
    CHECK(shown.lines.back().find("run.finished") != std::string::npos);
}

TEST_CASE("the line keeps within the width of the terminal") {
    const auto server = slow_server();
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.json", test::original_document(server->port()));
    const test::Shown shown = test::run_on_terminal(command(file, directory.path(), {}), 30, false, std::chrono::seconds{60});
    INFO(shown.bytes);
    REQUIRE(shown.code == 0);
    CHECK(shown.widest > 0);
    CHECK(shown.widest <= 29);
}

TEST_CASE("messages and progress on one terminal do not garble each other") {
    const auto server = slow_server();
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.json", test::original_document(server->port()));
    const test::Shown shown = test::run_on_terminal(command(file, directory.path(), {}), 120, true, std::chrono::seconds{60});
    REQUIRE(shown.code == 0);
    CHECK(shown.redrawn == 0);
    CHECK(std::all_of(shown.lines.begin(), shown.lines.end(), [](const std::string& line) { return is_log(line) || line.front() == '{'; }));
    CHECK(std::count_if(shown.lines.begin(), shown.lines.end(),
                        [](const std::string& line) { return line.find("run.progress") != std::string::npos; }) == 1);
}

TEST_CASE("without a terminal progress is a log line with its numbers as fields") {
    const auto server = slow_server();
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.json", test::original_document(server->port()));
    const test::Finished f = test::run_fluxgate({"run", file, "--once", "--progress", "--log-format", "json"}, directory.path());
    INFO(f.err);
    REQUIRE(f.code == 0);
    const std::vector<std::string> lines = test::lines_of(f.err);
    const auto last =
        std::find_if(lines.begin(), lines.end(), [](const std::string& line) { return line.find("run.progress") != std::string::npos; });
    REQUIRE(last != lines.end());
    CHECK(last->front() == '{');
    CHECK(last->find("\"rows\":\"" + std::to_string(test::lines_of(f.out).size()) + "\"") != std::string::npos);
    CHECK(f.err.find('\x1b') == std::string::npos);
}
