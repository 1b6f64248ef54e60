// Documents as people write them: references to the environment, comments, and what a document comes to.
#include "config/json_text.hpp"
#include "runner.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

using namespace fluxgate;
using test::run_fluxgate;

namespace {

// The plant of the sample server, with what a person would take from the environment.
constexpr const char* hand_written = R"json(// Plant 4: what the line needs.
{
  "displayName": "Plant 4", // seen on the board
  "type": "input/influxdbv2@v1",
  "url": "http://${PLANT_HOST:-127.0.0.1}/some/url/path",
  "port": "${PLANT_PORT}",
  "organization": "${PLANT_ORG:-test-org}",
  /* the token's name,
     never the token */
  "authentication": { "type": "accessToken", "accessToken": "AKV_ACCESS_TOKEN" },
  "query": { "expression": "from(bucket: \"plant\") |> range(start: -1m) |> filter(fn: (r) => r._measurement == \"machine\") // ${PLANT_NOT_SET}" },
  "interval": "5s",
  "format": { "type": "json", },
}
)json";

std::vector<std::string> payloads(const std::string& out) {
    std::vector<std::string> found;
    for (const std::string& line : test::lines_of(out))
        found.push_back(test::payload_of(line));
    return found;
}

bool says(const test::Finished& f, const std::string& text) {
    return f.err.find(text) != std::string::npos;
}

} // namespace

TEST_CASE("a hand-written document with comments and references runs, and its query is sent as it stands") {
    sample::ServerOptions options;
    options.clock = [] { return sample::Time{1'764'000'000'000'000'000}; };
    const auto server = test::start_server(options);
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.jsonc", hand_written);
    const test::Finished f = run_fluxgate({"run", file, "--once"}, directory.path(), {{"PLANT_PORT", std::to_string(server->port())}});
    INFO(f.err);
    CHECK(f.code == 0);
    CHECK(payloads(f.out).size() > 10);

    const test::Finished explained =
        run_fluxgate({"validate", "--explain", file}, directory.path(), {{"PLANT_PORT", std::to_string(server->port())}});
    CHECK(explained.code == 0);
    const std::string plain = directory.write("effective.json", explained.out);
    const test::Finished again = run_fluxgate({"run", plain, "--once"}, directory.path());
    CHECK(again.code == 0);
    CHECK(payloads(again.out) == payloads(f.out));
    CHECK(run_fluxgate({"validate", "--strict", plain}).code == 0);
}

TEST_CASE("a missing variable stops each command before anything is asked of a server") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.json", hand_written);
    for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
             {"run", file}, {"check", file}, {"plan", file}, {"validate", file}, {"validate", "--explain", file}, {"cursor", "show", file}}) {
        const test::Finished f = run_fluxgate(command, directory.path());
        INFO(command[0] << "\n" << f.err);
        CHECK(f.code == 2);
        CHECK(says(f, "error at /port: the environment variable PLANT_PORT is not set; set it, or give a default here: ${PLANT_PORT:-default}"));
    }
    CHECK(server->connections() == 0);
}

TEST_CASE("the value of a variable that does not fit is shown in no stream of any command") {
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.json", hand_written);
    for (const std::vector<std::string>& command :
         std::vector<std::vector<std::string>>{{"run", file}, {"check", "--json", file}, {"plan", file}, {"validate", file}}) {
        const test::Finished f = run_fluxgate(command, directory.path(), {{"PLANT_PORT", "not-a-port-at-all"}});
        INFO(f.err);
        CHECK(f.code == 2);
        CHECK((f.out + f.err).find("not-a-port") == std::string::npos);
        CHECK(says(f, "environment variable PLANT_PORT gives something else (17 bytes, not shown)"));
    }
}

TEST_CASE("a token put into a document by reference is refused, and the answer says how to do it") {
    const test::TempDirectory directory;
    std::string text = hand_written;
    text.replace(text.find("\"AKV_ACCESS_TOKEN\""), 18, "\"${AKV_ACCESS_TOKEN}\"");
    const test::Finished f = run_fluxgate({"validate", directory.write("a.json", text)}, ".", {{"PLANT_PORT", "1"}});
    CHECK(f.code == 2);
    CHECK(says(f, "error at /authentication/accessToken: a reference to the environment is not expanded here"));
    CHECK((f.out + f.err).find(test::token) == std::string::npos);
}

TEST_CASE("comments are refused in exported documents, and everywhere with --strict, with their place") {
    const test::TempDirectory directory;
    const std::map<std::string, std::string> port{{"PLANT_PORT", "1"}};
    const std::string file = directory.write("plant.json", hand_written);
    CHECK(run_fluxgate({"validate", file}, ".", port).code == 0);
    const test::Finished strict = run_fluxgate({"validate", "--strict", file}, ".", port);
    CHECK(strict.code == 2);
    CHECK(says(strict, "error: line 1, column 1: a JSON value is needed here; comments, and a comma behind the last member, are not taken here"));
    const std::string exported = directory.write("exported.json", R"({"properties": {"input": {}, "stages": {}, }})");
    const test::Finished refused = run_fluxgate({"validate", exported});
    CHECK(refused.code == 2);
    CHECK(says(refused, "error: line 1, column 44: "));
    CHECK(says(refused, "a document that a tool exported is strict JSON"));
}

TEST_CASE("explain writes only JSON to standard output, warnings to standard error, and nothing for a wrong document") {
    const test::TempDirectory directory;
    const std::string good = directory.write("good.json", test::original_document(1234));
    const test::Finished f = run_fluxgate({"validate", "--explain", good});
    CHECK(f.code == 0);
    CHECK(says(f, "warning at /query/expression"));
    const config::JsonText json = config::parse_json(f.out);
    REQUIRE(json.parsed);
    CHECK(json.violations.empty());
    CHECK(json.dom["queue"]["maxBytes"] == "2MiB");
    CHECK(json.dom["$origins"]["/input/retry"] == "default");
    std::string text = test::original_document(1234);
    text.replace(text.find("\"interval\""), 10, "\"intervall\"");
    const test::Finished bad = run_fluxgate({"validate", "--explain", directory.write("bad.json", text)});
    CHECK(bad.code == 2);
    CHECK(bad.out.empty());
    CHECK(says(bad, "/intervall"));
}

TEST_CASE("what is no document is refused in words by every command that reads one") {
    const test::TempDirectory directory;
    const std::string empty = directory.write("empty.json", ""), binary = directory.write("binary", std::string("\x7F"
                                                                                                                "ELF\x02\x01\0\0\xFF\xFE",
                                                                                                                10));
    const std::string secret = directory.write("mine.json", "{}");
    REQUIRE(::chmod(secret.c_str(), 0) == 0);
    for (const std::string command : {"validate", "run", "check", "plan"}) {
        INFO(command);
        CHECK(says(run_fluxgate({command, empty}), "the document is empty; a JSON object is needed"));
        CHECK(says(run_fluxgate({command, binary}), "line 1, column 7: a NUL byte is not allowed in JSON text"));
        CHECK(says(run_fluxgate({command, directory.path()}), "it is a directory"));
        CHECK(says(run_fluxgate({command, directory.path() + "/no.json"}), "No such file or directory"));
        if (::geteuid() != 0) CHECK(says(run_fluxgate({command, secret}), "Permission denied"));
        for (const std::string& file : {empty, binary, directory.path()}) {
            const test::Finished f = run_fluxgate({command, file});
            CHECK(f.code == 2);
            CHECK((f.out.empty() || command == "check")); // check says it in its table as well
        }
    }
}

TEST_CASE("init writes a document that validates at once, and runs with the variables that it names") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::map<std::string, std::string> environment{
        {"INFLUX_URL", "http://127.0.0.1:" + std::to_string(server->port())}, {"INFLUX_ORG", "test-org"}, {"INFLUX_TOKEN", test::token}};
    for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{
             {}, {"--incremental"}, {"--output", "stdout"}, {"--incremental", "--output", "stdout"}, {"--bucket", "test-bucket"}}) {
        std::vector<std::string> command{"init"};
        command.insert(command.end(), more.begin(), more.end());
        const test::Finished made = run_fluxgate(command);
        INFO(made.out.substr(0, 600) << made.err);
        CHECK(made.code == 0);
        CHECK(made.err.empty());
        CHECK(made.out.find("\"$schema\": \"file:///") != std::string::npos);
        const std::string file = directory.write("start.jsonc", made.out);
        const test::Finished valid = run_fluxgate({"validate", file});
        CHECK(valid.code == 0);
        CHECK(valid.err.empty());
        const test::Finished f = run_fluxgate({"run", file, "--once", "--state", directory.path() + "/state"}, directory.path(), environment);
        INFO(f.err);
        CHECK(f.code == 0);
        const bool to_stdout = std::find(more.begin(), more.end(), "stdout") != more.end();
        CHECK(f.out.empty() != to_stdout);
        if (!to_stdout) CHECK(std::filesystem::remove_all(directory.path() + "/out") > 1);
        std::filesystem::remove_all(directory.path() + "/state");
    }
    // The schema that it names for editors is there.
    const std::string text = run_fluxgate({"init"}).out;
    const std::size_t at = text.find("file:///") + 7;
    CHECK(std::filesystem::is_regular_file(text.substr(at, text.find('"', at) - at)));
}

TEST_CASE("init never overwrites, and says why a file cannot be written") {
    const test::TempDirectory directory;
    const std::string file = directory.path() + "/new.jsonc";
    const test::Finished made = run_fluxgate({"init", file});
    CHECK(made.code == 0);
    CHECK(made.out.empty());
    CHECK(says(made, "wrote " + file));
    CHECK(run_fluxgate({"validate", file}).code == 0);
    std::filesystem::resize_file(file, 5);
    const test::Finished again = run_fluxgate({"init", file});
    CHECK(again.code == 2);
    CHECK(says(again, "it is there already, and init never overwrites"));
    CHECK(std::filesystem::file_size(file) == 5);
    CHECK(says(run_fluxgate({"init", directory.path()}), "it is a directory; name a file in it"));
    CHECK(says(run_fluxgate({"init", directory.path() + "/no/such/file"}), "No such file or directory"));
    CHECK(says(run_fluxgate({"init", "/proc/mine.jsonc"}), "cannot write /proc/mine.jsonc: "));
    std::filesystem::create_symlink(directory.path() + "/nowhere", directory.path() + "/link");
    CHECK(run_fluxgate({"init", directory.path() + "/link"}).code == 2);
    CHECK_FALSE(std::filesystem::exists(directory.path() + "/nowhere"));
    for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
             {"init", "--output", "kafka"}, {"init", "--incremantal"}, {"init", "--bucket", ""}, {"init", "a", "b"}, {"init", "--bucket"}}) {
        const test::Finished f = run_fluxgate(wrong, directory.path());
        CHECK(f.code == 2);
        CHECK(f.out.empty());
        CHECK_FALSE(f.err.empty());
    }
    const test::Finished help = run_fluxgate({"init", "--help"});
    CHECK(help.code == 0);
    CHECK(help.out.find("--incremental") != std::string::npos);
    const test::Finished full = run_fluxgate({"init", "/dev/full"});
    CHECK(full.code == 2);
}
