// `fluxgate run` of an incremental document as a user sees it: twice, killed, beside another process, with another query, and with a
// state that goes away.
#include "runner.hpp"
#include "support/catch.hpp"
#include "support/paths.hpp"

#include <csignal>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace fluxgate;
using namespace std::chrono_literals;
using test::Finished;
using test::run_fluxgate;

namespace {

// One machine's temperature from the first hour of 2026 on, up to `stop` or on and on.
std::string document(std::uint16_t port, const std::string& stop = R"(,"stop":"2026-01-01T01:00:00Z")", const std::string& fields = R"(["temp"])") {
    return R"json({"displayName":"plant","type":"input/influxdbv2@v1","url":"http://127.0.0.1","organization":"test-org","interval":"100ms",)json"
           R"json("format":{"type":"json"},"authentication":{"type":"accessToken","accessToken":"AKV_ACCESS_TOKEN"},"batch":{"maxRows":50},)json"
           R"json("read":{"bucket":"plant","measurements":["machine"],"fields":)json" +
           fields + R"json(},"incremental":{"start":"2026-01-01T00:00:00Z","window":"5m")json" + stop + R"json(},"port":)json" +
           std::to_string(port) + "}";
}

std::multiset<std::string> row_ids(const std::string& out) {
    std::multiset<std::string> ids;
    const std::string key = "\"rowId\":\"";
    for (std::size_t at = 0, end = out.find('\n'); end != std::string::npos; at = end + 1, end = out.find('\n', at)) {
        const std::string line = out.substr(at, end - at);
        const std::size_t begin = line.find(key) + key.size();
        ids.insert(line.substr(begin, line.find('"', begin) - begin));
    }
    return ids;
}

struct Desk {
    explicit Desk(std::uint16_t port) : file(directory.write("plant.json", document(port))), state(directory.path() + "/state") {}
    [[nodiscard]] std::vector<std::string> arguments(std::vector<std::string> more = {"--once"}) const {
        more.insert(more.begin(), {"run", file, "--state", state});
        return more;
    }
    [[nodiscard]] Finished run(const std::vector<std::string>& more = {"--once"}) const { return run_fluxgate(arguments(more), directory.path()); }
    test::TempDirectory directory;
    std::string file, state;
};

} // namespace

TEST_CASE("a second run delivers nothing twice, and a rewound one the same rows with the same rowIds") {
    const auto server = test::start_server();
    const Desk desk{server->port()};
    const Finished first = desk.run();
    INFO(first.err);
    REQUIRE(first.code == 0);
    const std::multiset<std::string> ids = row_ids(first.out);
    CHECK(ids.size() > 1000);
    CHECK(std::set<std::string>{ids.begin(), ids.end()}.size() == ids.size());
    const std::size_t queries = server->queries();
    const Finished second = desk.run();
    CHECK(second.code == 0);
    CHECK(second.out.empty());
    CHECK(server->queries() == queries);
    REQUIRE(run_fluxgate({"cursor", "rewind", desk.file, "1h", "--state", desk.state}).code == 0);
    CHECK(row_ids(desk.run().out) == ids);
    // Another machine goes on where this one stands.
    const Finished cursor = run_fluxgate({"cursor", "export", desk.file, "--state", desk.state});
    REQUIRE(cursor.code == 0);
    desk.directory.write("cursor.json", cursor.out);
    const std::string there = desk.directory.path() + "/there";
    REQUIRE(test::run_program("/bin/sh", {"-c", std::string{"exec "} + FLUXGATE_BINARY_DIR + "/bin/fluxgate cursor import " + desk.file +
                                                    " --state " + there + " < " + desk.directory.path() + "/cursor.json"})
                .code == 0);
    const Finished moved = run_fluxgate({"run", desk.file, "--once", "--state", there}, desk.directory.path());
    CHECK(moved.code == 0);
    CHECK(moved.out.empty());
}

TEST_CASE("runs that are killed lose no row, and what they repeat has the same rowId") {
    const auto server = test::start_server();
    const Desk desk{server->port()}, undisturbed{server->port()};
    const std::multiset<std::string> all = row_ids(undisturbed.run().out);
    std::set<std::string> got;
    int killed = 0;
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{30'000}, std::size_t{100'000}, std::size_t{200'000}}) {
        const auto process = test::start_fluxgate(desk.arguments(), desk.directory.path());
        (void)process->until_output(bytes, 20s);
        process->signal(SIGKILL);
        const Finished f = process->wait(10s);
        killed += f.code == 128 + SIGKILL ? 1 : 0;
        const std::multiset<std::string> ids = row_ids(f.out);
        got.insert(ids.begin(), ids.end());
    }
    const Finished last = desk.run();
    INFO(last.err);
    CHECK(last.code == 0);
    const std::multiset<std::string> ids = row_ids(last.out);
    got.insert(ids.begin(), ids.end());
    CHECK(killed > 0);
    CHECK(got == std::set<std::string>{all.begin(), all.end()});
}

TEST_CASE("a second process on the same state stops and names the first, which goes on") {
    const auto server = test::start_server();
    const Desk desk{server->port()};
    desk.directory.write("plant.json", document(server->port(), ""));
    const auto first = test::start_fluxgate(desk.arguments({"--for", "20s"}), desk.directory.path());
    REQUIRE(first->until_output(1, 20s));
    const Finished second = desk.run();
    INFO(second.err);
    CHECK(second.code == 1);
    CHECK(second.out.empty());
    CHECK(second.err.find("in use by process ") != std::string::npos);
    CHECK(run_fluxgate({"cursor", "show", desk.file, "--state", desk.state}).out.find("in use by       process ") != std::string::npos);
    first->signal(SIGTERM);
    CHECK(first->wait(20s).code == 143);
    CHECK(desk.run({"--for", "1s"}).code == 0);
}

TEST_CASE("a changed query stops the run and names both ways to go on; each of them works") {
    const auto server = test::start_server();
    const Desk desk{server->port()};
    REQUIRE(desk.run().code == 0);
    desk.directory.write("plant.json", document(server->port(), R"(,"stop":"2026-01-01T01:10:00Z")", R"(["temp","parts"])"));
    const Finished refused = desk.run();
    INFO(refused.err);
    CHECK(refused.code == 1);
    CHECK(refused.out.empty());
    CHECK(refused.err.find("fluxgate cursor set") != std::string::npos);
    CHECK(refused.err.find("--accept-changed-query") != std::string::npos);
    const Finished accepted = desk.run({"--once", "--accept-changed-query"});
    CHECK(accepted.code == 0);
    CHECK(row_ids(accepted.out).size() > 100); // of the ten minutes that are new alone
    CHECK(accepted.out.find("2026-01-01T00:") == std::string::npos);
    desk.directory.write("plant.json", document(server->port()));
    REQUIRE(run_fluxgate({"cursor", "set", desk.file, "2026-01-01T00:50:00Z", "--state", desk.state}).code == 0);
    const Finished set = desk.run();
    CHECK(set.code == 0);
    CHECK(row_ids(set.out).size() > 100);
}

TEST_CASE("a state that is removed while the run goes on holds it with what to do, ends it as failed, and loses no row") {
    const auto server = test::start_server();
    const Desk desk{server->port()};
    desk.directory.write("plant.json", document(server->port(), ""));
    const auto process = test::start_fluxgate(desk.arguments({"--for", "5s"}), desk.directory.path());
    REQUIRE(process->until_output(1, 20s));
    std::filesystem::remove(desk.state + "/plant.db");
    const Finished f = process->wait(30s);
    INFO(f.err);
    CHECK_FALSE(f.hung);
    CHECK(f.code == 1);
    CHECK(f.err.find("was removed or replaced while it was open") != std::string::npos);
    // What is there then, nothing, is where the next run begins.
    desk.directory.write("plant.json", document(server->port()));
    const Finished again = desk.run();
    CHECK(again.code == 0);
    CHECK(row_ids(again.out).size() > 1000);
}
