// `fluxgate plan` against the sample server: what a run would do, and that nothing is delivered or kept by it.
#include "runner.hpp"
#include "support/catch.hpp"

#include <rapidjson/document.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

using namespace fluxgate;
using test::run_fluxgate;

namespace {

// An incremental document for the sample server's plant.
std::string document(std::uint16_t port, const std::string& query, const std::string& expression = ".payload.machine") {
    return R"json({"displayName":"plan","type":"input/influxdbv2@v1","url":"http://127.0.0.1","organization":"test-org","interval":"10s",)json"
           R"json("query":{"expression":")json" +
           query + R"json("},"format":{"type":"json"},"partitionCount":4,"partitionStrategy":{"type":"key","expression":")json" + expression +
           R"json("},"authentication":{"type":"accessToken","accessToken":"AKV_ACCESS_TOKEN"},)json"
           R"json("incremental":{"start":"2026-01-01T00:00:00Z","stop":"2026-01-01T00:25:00Z","window":"10m"},"port":)json" +
           std::to_string(port) + "}";
}

const std::string query =
    R"(from(bucket:\"plant\") |> range(start: v.timeRangeStart, stop: v.timeRangeStop) |> filter(fn: (r) => r._measurement == \"machine\" and r._field == \"temp\"))";

} // namespace

TEST_CASE("plan shows query, windows, rows, columns, messages and partitions, and delivers and keeps nothing") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::string file = directory.write("plan.json", document(server->port(), query));
    const test::Finished f = run_fluxgate({"plan", file, "--json"}, directory.path());
    INFO(f.out << f.err);
    REQUIRE(f.code == 0);
    std::map<std::string, std::vector<std::string>> lines;
    for (const std::string& line : test::lines_of(f.out)) {
        rapidjson::Document read;
        read.Parse(line.c_str());
        REQUIRE_FALSE(read.HasParseError());
        lines[read["item"].GetString()].push_back(line);
    }
    CHECK(lines["query"].at(0).find("v.timeRangeStart") != std::string::npos);
    CHECK(lines["windows"].at(0).find(R"("from":"start","next":[["2026-01-01T00:00:00Z","2026-01-01T00:10:00Z"],)"
                                      R"(["2026-01-01T00:10:00Z","2026-01-01T00:20:00Z"],["2026-01-01T00:20:00Z","2026-01-01T00:25:00Z"]])") !=
          std::string::npos);
    rapidjson::Document rows, partitions;
    rows.Parse(lines["rows"].at(0).c_str());
    CHECK(rows["rows"].GetInt() > 0);
    CHECK(rows["complete"].GetBool());
    CHECK(rows["bytes"].GetInt() > rows["rows"].GetInt());
    CHECK(lines["columns"].at(0).find(R"("name":"_start")") != std::string::npos);
    CHECK(lines["message"].size() == 3);
    CHECK(lines["message"].at(0).find(R"("window":["2026-01-01T00:00:00Z","2026-01-01T00:10:00Z"],"rowId":")") != std::string::npos);
    partitions.Parse(lines["partitions"].at(0).c_str());
    int sum = 0;
    for (const auto& member : std::as_const(partitions)["counts"].GetObject())
        sum += member.value.GetInt();
    CHECK(sum == rows["rows"].GetInt());
    CHECK(lines.count("deadLetters") == 0);
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator{directory.path()})
        files += entry.path().filename() != "plan.json" ? 1 : 0;
    CHECK(files == 0);

    const test::Finished people = run_fluxgate({"plan", file}, directory.path());
    CHECK(people.code == 0);
    for (const char* word : {"query ", "windows ", "rows ", "columns ", "message ", "partitions "}) {
        INFO(word);
        CHECK(people.out.find(word) != std::string::npos);
    }
    CHECK((f.out + f.err + people.out).find(test::token) == std::string::npos);
}

TEST_CASE("plan goes on from the cursor, beside a run that holds it, and says when a run would not") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    std::string text = document(server->port(), query);
    const std::string file = directory.write("plan.json", text), state = directory.path() + "/state";
    REQUIRE(run_fluxgate({"cursor", "set", file, "2026-01-01T00:17:00Z", "--state", state}, directory.path()).code == 0);
    const test::Finished f = run_fluxgate({"plan", file, "--json", "--state", state}, directory.path());
    INFO(f.out << f.err);
    CHECK(f.code == 0);
    CHECK(f.out.find(R"("note":"","cursor":"2026-01-01T00:17:00Z","from":"cursor","next":[["2026-01-01T00:17:00Z","2026-01-01T00:25:00Z"]])") !=
          std::string::npos);
    // A run takes the query as its own; afterwards another query is not what the cursor was written for.
    REQUIRE(run_fluxgate({"run", file, "--once", "--state", state}, directory.path()).code == 0);
    text.replace(text.find("temp"), 4, "parts");
    directory.write("plan.json", text);
    const test::Finished other = run_fluxgate({"plan", file, "--state", state}, directory.path());
    INFO(other.out << other.err);
    CHECK(other.code == 1); // as a run would end
    CHECK(other.out.find("from 2026-01-01T00:25:00Z (the cursor)") != std::string::npos);
    CHECK(other.err.find("was written for another url, organization or query") != std::string::npos);
    CHECK(other.err.find("cursor set") != std::string::npos);
    CHECK(other.out.find("none: everything up to now is read") != std::string::npos);
    // Another place has no cursor, and gets none.
    const test::Finished none = run_fluxgate({"plan", file, "--state", directory.path() + "/none"}, directory.path());
    CHECK(none.out.find("(incremental.start; there is no cursor)") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(directory.path() + "/none"));
}

TEST_CASE("plan counts rows whose expression fails, and shows the first reason") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const test::Finished f = run_fluxgate(
        {"plan", directory.write("plan.json", document(server->port(), query, ".payload._value + \\\"x\\\"")), "--json"}, directory.path());
    INFO(f.out << f.err);
    CHECK(f.code == 0);
    CHECK(f.out.find(R"({"item":"deadLetters","counts":{"jq-error":)") != std::string::npos);
    CHECK(f.out.find(R"({"item":"partitions","counts":{}})") != std::string::npos);
}

TEST_CASE("plan shows the query that read writes, and the queries that it would be split into") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const auto plan = [&](const std::string& read, bool json) {
        std::string text = document(server->port(), query);
        const std::string own = R"("query":{"expression":")" + query + R"("})";
        text.replace(text.find(own), own.size(), R"("read":{"bucket":"plant")" + read + "}");
        const std::string file = directory.write("plan.json", text);
        const test::Finished f =
            run_fluxgate(json ? std::vector<std::string>{"plan", file, "--json"} : std::vector<std::string>{"plan", file}, directory.path());
        INFO(f.out << f.err);
        CHECK(f.code == 0);
        return f.out;
    };
    const std::string range = R"(from(bucket: \"plant\") |> range(start: v.timeRangeStart, stop: v.timeRangeStop))";
    const std::string drop = R"( |> drop(columns: [\"_start\", \"_stop\"]))";
    const auto filter = [](const std::string& name) { return R"( |> filter(fn: (r) => r._measurement == \")" + name + "\\\")"; };
    const std::string several = plan(R"(,"measurements":["machine","energy"])", true);
    CHECK(several.find(R"("text":")" + range + R"( |> filter(fn: (r) => r._measurement == \"machine\" or r._measurement == \"energy\"))" + drop +
                       '"') != std::string::npos);
    CHECK(several.find(R"("split":{"smallest":"1s","measurements":["machine","energy"],"text":")" + range + filter("machine") + drop + "\"}") !=
          std::string::npos);
    const std::string all = plan("", true);
    CHECK(all.find(R"("split":{"smallest":"1s","measurements":[],"names":")" + range +
                   R"x( |> keep(columns: [\"_measurement\"]) |> group() |> distinct(column: \"_measurement\")","text":")x" + range + filter("...") +
                   drop + "\"}") != std::string::npos);
    CHECK(plan(R"(,"measurements":["machine"])", true).find("split") == std::string::npos);
    CHECK(plan(R"(,"measurements":["machine","energy"])", false).find("where 1s of it is still too large: 2 queries, one a measurement") !=
          std::string::npos);
    CHECK(plan("", false).find("the measurements are asked for, then one query each and one for the rest") != std::string::npos);
}

TEST_CASE("a server that says nothing in plan's time is an error, after what is known without it") {
    sample::ServerOptions options;
    options.faults.push_back(*sample::parse_fault("delay-first-byte=60s"));
    const auto server = test::start_server(std::move(options));
    const test::TempDirectory directory;
    const test::Finished f =
        run_fluxgate({"plan", directory.write("plan.json", document(server->port(), query)), "--timeout", "700ms"}, directory.path());
    INFO(f.out << f.err);
    CHECK(f.code == 1);
    CHECK(f.out.find("from(bucket:") != std::string::npos);
    CHECK(f.err.find("the time was up before the first row came; give it more with --timeout") != std::string::npos);
}

TEST_CASE("a query that the server refuses is plan's error, in the server's words") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    std::string text = document(server->port(), query);
    text.replace(text.find("plant"), 5, "nowhere");
    const test::Finished f = run_fluxgate({"plan", directory.write("plan.json", text)}, directory.path());
    CHECK(f.code == 1);
    CHECK(f.err.find("could not find bucket") != std::string::npos);
}

TEST_CASE("check tries an incremental query with a window up to now") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const test::Finished f = run_fluxgate({"check", directory.write("check.json", document(server->port(), query)), "--json"}, directory.path());
    INFO(f.out << f.err);
    CHECK(f.code == 0);
    CHECK(f.out.find(R"("step":"partition","status":"ok")") != std::string::npos);
}

TEST_CASE("plan asks for what look-back reads again, and leaves out what was delivered of it") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    std::string text = document(server->port(), query);
    const std::string stop = R"("stop":"2026-01-01T00:25:00Z")", window = R"("window":"10m")";
    text.replace(text.find(window), window.size(), R"("window":"10m","lookback":"15m")");
    std::string first = text;
    first.replace(first.find(stop), stop.size(), R"("stop":"2026-01-01T00:20:00Z")");
    const std::string state = directory.path() + "/state", file = directory.write("plan.json", first);
    REQUIRE(run_fluxgate({"run", file, "--once", "--state", state}, directory.path()).code == 0);
    directory.write("plan.json", text);
    const test::Finished f = run_fluxgate({"plan", file, "--json", "--state", state}, directory.path());
    INFO(f.out << f.err);
    REQUIRE(f.code == 0);
    CHECK(f.out.find(R"("range":["2026-01-01T00:05:00Z","2026-01-01T00:25:00Z"],"window":["2026-01-01T00:20:00Z","2026-01-01T00:25:00Z"])") !=
          std::string::npos);
    CHECK(f.out.find("reads 15m before its window for late rows") != std::string::npos);
    const auto number = [&](const std::string& name) { return std::stoul(f.out.substr(f.out.find("\"" + name + "\":") + name.size() + 3)); };
    const std::size_t rows = number("rows"), suppressed = number("suppressed");
    CHECK(suppressed == rows / 4 * 3); // as many in each minute
    CHECK(f.out.find(R"("message":{)") != std::string::npos);
    CHECK(f.out.find(R"("window":["2026-01-01T00:20:00Z","2026-01-01T00:25:00Z"],"rowId":")") != std::string::npos);
    const test::Finished people = run_fluxgate({"plan", file, "--state", state}, directory.path());
    CHECK(people.out.find("reads 15m before its window for late rows") != std::string::npos);
    // Where nothing is remembered, nothing is read again.
    const test::Finished fresh = run_fluxgate({"plan", file, "--json", "--state", directory.path() + "/none"}, directory.path());
    CHECK(fresh.out.find(R"("range":["2026-01-01T00:00:00Z","2026-01-01T00:10:00Z"])") != std::string::npos);
}
