// Whole runs against the sample server, compared with what it says it served.
#include "runner.hpp"
#include "sample_server/engine.hpp"
#include "support/catch.hpp"
#include "support/recording.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

using namespace fluxgate;
using test::run_fluxgate;

namespace {

// A server whose clock stands still, so that a relative range is known to the oracle.
struct Frozen {
    sample::Time now{};
    std::unique_ptr<sample::Server> server;

    explicit Frozen(std::vector<sample::Fault> faults = {}) {
        sample::ServerOptions options;
        now = *sample::parse_time("2026-03-04T05:06:07.123456789Z");
        options.clock = [t = now] { return t; };
        options.faults = std::move(faults);
        server = test::start_server(std::move(options));
    }
    [[nodiscard]] std::vector<std::string> expected(const std::string& query) const {
        const Result<sample::Expectation> e = sample::expect(query, now);
        if (!e.ok()) FAIL(e.error().text());
        std::vector<std::string> payloads;
        for (const sample::ExpectedMessage& m : e->messages)
            payloads.push_back(m.payload);
        return payloads;
    }
};

const std::string stat_query = R"(from(bucket:"test-bucket") |> range(start: -1h) |> filter(fn: (r) => r._measurement == "stat"))";
const std::string machine_query = R"(from(bucket: "plant") |> range(start: -10m) |> filter(fn: (r) => r._measurement == "machine"))";

std::vector<std::string> payloads(const std::string& text) {
    std::vector<std::string> out;
    for (const std::string& line : test::lines_of(text))
        out.push_back(test::payload_of(line));
    return out;
}

} // namespace

TEST_CASE("the original sample document runs unchanged but for host and port, and every row arrives once and in order") {
    const Frozen frozen;
    const test::TempDirectory directory;
    const std::string file = directory.write("sample.json", test::original_document(frozen.server->port()));
    const test::Finished f = run_fluxgate({"run", file, "--once"}, directory.path());
    INFO(f.err);
    REQUIRE(f.code == 0);
    const auto expected = frozen.expected(stat_query);
    REQUIRE(expected.size() > 1000);
    CHECK(payloads(f.out) == expected);
    CHECK(frozen.server->queries() == 1);
    CHECK(f.err.find("un-escaped") != std::string::npos);
}

TEST_CASE("four partitions into files hold every row once, rows of one key in one partition and in order") {
    const Frozen frozen;
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.json", test::files_document(frozen.server->port(), directory.path() + "/out"));
    const test::Finished f = run_fluxgate({"run", file, "--once", "--id", "my-plant"}, directory.path());
    INFO(f.err);
    REQUIRE(f.code == 0);
    CHECK(f.out.empty());
    std::vector<std::string> got;
    std::map<std::string, std::set<std::string>> files_of_key;
    for (const auto& entry : std::filesystem::directory_iterator{directory.path() + "/out/my-plant"}) {
        CHECK(entry.path().extension() == ".jsonl");
        for (const std::string& line : test::lines_of(test::read_file(entry.path().string()))) {
            got.push_back(test::payload_of(line));
            const std::size_t at = line.find("\"partitionKey\":\"") + 16;
            files_of_key[line.substr(at, line.find('"', at) - at)].insert(entry.path().filename().string());
        }
    }
    for (const auto& [key, files] : files_of_key) {
        INFO(key);
        CHECK(files.size() == 1);
    }
    auto expected = frozen.expected(machine_query);
    std::sort(got.begin(), got.end());
    std::sort(expected.begin(), expected.end());
    CHECK(got == expected);
}

TEST_CASE("gzip, small HTTP chunks and a slow server change nothing in what arrives") {
    sample::ServerOptions options;
    const sample::Time now = *sample::parse_time("2026-03-04T05:06:07Z");
    options.clock = [now] { return now; };
    options.chunk_size = 7;
    const auto server = test::start_server(std::move(options));
    const test::TempDirectory directory;
    std::string document = test::original_document(server->port());
    document.insert(1, R"("compression":"gzip",)");
    const test::Finished f = run_fluxgate({"run", directory.write("sample.json", document), "--once"}, directory.path());
    REQUIRE(f.code == 0);
    const auto expected = sample::expect(stat_query, now);
    REQUIRE(expected.ok());
    const auto got = payloads(f.out);
    REQUIRE(got.size() == expected->messages.size());
    for (std::size_t i = 0; i < got.size(); ++i)
        REQUIRE(got[i] == expected->messages[i].payload);
}

TEST_CASE("a fan-out delivers each message to both outputs") {
    const Frozen frozen;
    const test::TempDirectory directory;
    std::string document = test::files_document(frozen.server->port(), directory.path() + "/out");
    document.replace(document.find("\"next\": [\"files\"]"), 17, "\"next\": [\"files\",\"print\"]");
    document.replace(document.find("\"stages\": {"), 11,
                     "\"stages\": {\"print\": {\"displayName\": \"p\", \"type\": \"output/stdout@v1\", \"format\": {\"type\": \"json\", \"path\": "
                     "\".payload\"}},");
    const test::Finished f = run_fluxgate({"run", directory.write("both.json", document), "--once"}, directory.path());
    INFO(f.err);
    REQUIRE(f.code == 0);
    const auto expected = frozen.expected(machine_query);
    CHECK(test::lines_of(f.out).size() == expected.size());
    std::size_t in_files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{directory.path() + "/out"}) {
        if (entry.is_regular_file()) in_files += test::lines_of(test::read_file(entry.path().string())).size();
    }
    CHECK(in_files == expected.size());
}

TEST_CASE("messages without a partition are dead letters on record, and rows are delivered or dead letters") {
    const Frozen frozen;
    const test::TempDirectory directory;
    std::string document = test::files_document(frozen.server->port(), directory.path() + "/out");
    document.replace(document.find(".payload._field"), 15, "if .payload._field == \\\"note\\\" then null else \\\"k\\\" end");
    const std::string file = directory.write("letters.json", document);
    const test::Finished f = run_fluxgate({"run", file, "--once"}, directory.path());
    INFO(f.err);
    REQUIRE(f.code == 0);
    const auto expected = frozen.expected(machine_query);
    const auto letters = test::lines_of(test::read_file(directory.path() + "/letters.dead-letters.jsonl"));
    const auto notes =
        std::count_if(expected.begin(), expected.end(), [](const std::string& p) { return p.find("\"_field\":\"note\"") != std::string::npos; });
    REQUIRE(notes > 0);
    CHECK(letters.size() == static_cast<std::size_t>(notes));
    CHECK(letters[0].find("partition-type") != std::string::npos);
    std::size_t delivered = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{directory.path() + "/out"}) {
        if (entry.is_regular_file()) delivered += test::lines_of(test::read_file(entry.path().string())).size();
    }
    CHECK(delivered + letters.size() == expected.size());
    CHECK(run_fluxgate({"run", file, "--once", "--fail-on-dead-letter"}, directory.path()).code == 1);
}

TEST_CASE("a disabled pipeline validates and does not run") {
    const Frozen frozen;
    const test::TempDirectory directory;
    std::string document = test::files_document(frozen.server->port(), directory.path() + "/out");
    document.insert(1, R"("enabled": false, )");
    const std::string file = directory.write("off.json", document);
    CHECK(run_fluxgate({"run", file, "--once"}, directory.path()).code == 0);
    CHECK(run_fluxgate({"validate", file}).out.find("disabled") != std::string::npos);
    CHECK(frozen.server->queries() == 0);
}

TEST_CASE("a Kubernetes resource gives the pipeline its name") {
    const Frozen frozen;
    const test::TempDirectory directory;
    const std::string inner = test::files_document(frozen.server->port(), directory.path() + "/out");
    const std::string document =
        R"({"apiVersion":"v1","kind":"Pipeline","metadata":{"name":"line-7","labels":{"a":"b"}},"spec":)" + inner + R"(,"status":{"x":1}})";
    REQUIRE(run_fluxgate({"run", directory.write("resource.json", document), "--once"}, directory.path()).code == 0);
    CHECK(std::filesystem::is_directory(directory.path() + "/out/line-7"));
}
