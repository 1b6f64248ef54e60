// --relationship: address and token from the hosting platform's environment.
#include "config/json_text.hpp"
#include "runner.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace fluxgate;
using test::run_fluxgate;

namespace {

std::string base64(std::string_view text) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 3) {
        const std::size_t left = std::min<std::size_t>(3, text.size() - i);
        unsigned bits = 0;
        for (std::size_t k = 0; k < 3; ++k)
            bits = bits << 8u | (k < left ? static_cast<unsigned char>(text[i + k]) : 0u);
        for (std::size_t k = 0; k < 4; ++k)
            out += k <= left ? digits[bits >> (18 - 6 * k) & 63u] : '=';
    }
    return out;
}

std::map<std::string, std::string> platform(std::uint16_t port, const std::string& token = test::token) {
    return {{"PLATFORM_RELATIONSHIPS",
             base64(R"({"influxdb":[{"host":"127.0.0.1","scheme":"http","port":)" + std::to_string(port) +
                    R"(,"path":null,"username":"admin","password":"hunter2-password","query":{"org":"test-org","bucket":"plant","api_token":")" +
                    token + R"("}}],"cache":[{"scheme":"redis","host":"r","port":6379}]})")}};
}

// No url, organization or authentication of its own; reads incrementally, so that there is state.
constexpr const char* document = R"json({
  "displayName": "Plant 4", "type": "input/influxdbv2@v1", "interval": "200ms", "format": { "type": "json" },
  "incremental": { "start": "-2m", "delay": "1s" }, "read": { "bucket": "plant", "measurements": ["machine"] },
}
)json";

// Every byte of every file below a directory.
std::string all_files(const std::string& directory) {
    std::string out;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{directory}) {
        if (!entry.is_regular_file()) continue;
        std::ifstream file{entry.path(), std::ios::binary};
        out.append(std::istreambuf_iterator<char>{file}, {});
    }
    return out;
}

bool has_secret(const std::string& text) {
    return text.find(test::token) != std::string::npos || text.find("hunter2") != std::string::npos ||
           text.find(base64(test::token).substr(0, 20)) != std::string::npos;
}

} // namespace

TEST_CASE("a document without address and token runs with a relationship, and the token is written nowhere") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.json", document);
    const auto environment = platform(server->port());
    const std::vector<std::vector<std::string>> commands{
        {"validate", file},
        {"validate", "--explain", file},
        {"check", file},
        {"check", "--json", file},
        {"plan", file, "--state", directory.path() + "/none-yet"},
        {"schema", file},
        {"run", file, "--once", "--log-level", "debug", "--state", directory.path() + "/state"},
        {"run", file, "--once", "--log-level", "debug", "--log-format", "json", "--state", directory.path() + "/state"},
        {"cursor", "show", file, "--state", directory.path() + "/state"},
        {"cursor", "export", file, "--state", directory.path() + "/state"},
        {"dead-letters", "list", file, "--state", directory.path() + "/state", "--dead-letter", directory.path() + "/none"},
    };
    for (std::vector<std::string> command : commands) {
        command.insert(command.end(), {"--relationship", "influxdb"});
        const test::Finished f = run_fluxgate(command, directory.path(), environment);
        INFO(command[0] << " " << command[1] << "\n" << f.out.substr(0, 2000) << f.err);
        if (command[0] != "dead-letters") CHECK(f.code == 0);
        if (command[0] == "run" && command[5] != "--log-format") CHECK(test::lines_of(f.out).size() > 10);
        CHECK_FALSE(has_secret(f.out));
        CHECK_FALSE(has_secret(f.err));
    }
    CHECK(std::filesystem::exists(directory.path() + "/state/plant.db"));
    CHECK_FALSE(has_secret(all_files(directory.path())));

    const test::Finished explained = run_fluxgate({"validate", "--explain", "--relationship", "influxdb", file}, ".", environment);
    const config::JsonText json = config::parse_json(explained.out);
    REQUIRE(json.parsed);
    CHECK(json.dom["input"]["url"] == "http://127.0.0.1");
    CHECK(json.dom["input"]["authentication"]["accessToken"] == "relationship.influxdb");
    CHECK(json.dom["$origins"]["/input/url"] == "the relationship \"influxdb\" (PLATFORM_RELATIONSHIPS)");
    CHECK(run_fluxgate({"validate", "--strict", directory.write("effective.json", explained.out)}).code == 0);
}

TEST_CASE("what the document says otherwise is replaced, with one warning that names the fields") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::string file = directory.write("original.json", test::original_document(1)); // nothing listens at port 1
    std::map<std::string, std::string> environment{{"INFLUXDB_HOST", "127.0.0.1"},
                                                   {"INFLUXDB_PORT", std::to_string(server->port())},
                                                   {"INFLUXDB_SCHEME", "http"},
                                                   {"INFLUXDB_PATH", "/some/url/path"},
                                                   {"INFLUXDB_QUERY", "{'org': 'test-org', 'bucket': 'main', 'api_token': '" + test::token + "'}"}};
    const test::Finished f = run_fluxgate({"run", file, "--once", "--relationship", "influxdb"}, directory.path(), environment);
    INFO(f.err);
    CHECK(f.code == 0);
    CHECK_FALSE(f.out.empty());
    const std::string warning = "(INFLUXDB_HOST and others) replaces what the document says in ";
    CHECK(f.err.find(warning) != std::string::npos);
    CHECK(f.err.find(warning) == f.err.rfind(warning));
    CHECK_FALSE(has_secret(f.out + f.err));
}

TEST_CASE("a relationship whose token the server refuses is told from one that cannot be used at all") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.json", document);
    const test::Finished refused =
        run_fluxgate({"check", file, "--relationship", "influxdb"}, directory.path(), platform(server->port(), "another-token-of-the-platform"));
    INFO(refused.out);
    CHECK(refused.code == 3);
    CHECK((refused.out + refused.err).find("another-token-of") == std::string::npos);
    CHECK(refused.out.find("FAILED   authentication") != std::string::npos);
}

TEST_CASE("a relationship that is mistyped, missing, of another service or without a name is wrong usage for every command") {
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.json", document);
    const auto environment = platform(1);
    for (const std::string command : {"run", "check", "plan", "validate"}) {
        INFO(command);
        const auto said = [&](const std::string& name, const std::map<std::string, std::string>& variables) {
            const test::Finished f = run_fluxgate({command, file, "--relationship", name}, directory.path(), variables);
            CHECK(f.code == 2);
            CHECK(f.out.empty());
            CHECK_FALSE(has_secret(f.err));
            return f.err;
        };
        CHECK(said("influxd", environment).find("(is \"influxdb\" meant?)") != std::string::npos);
        CHECK(said("cache", environment).find("has the scheme \"redis\"") != std::string::npos);
        CHECK(said("influxdb", {}).find("no variable ends in _RELATIONSHIPS") != std::string::npos);
        CHECK(said("influxdb", {{"PLATFORM_RELATIONSHIPS", "%%%" + test::token}}).find("is not base64") != std::string::npos);
        CHECK(said("in/flux", environment).find("names no relationship") != std::string::npos);
        CHECK(run_fluxgate({command, file, "--relationship"}).code == 2);
    }
    CHECK(run_fluxgate({"run", "--help"}).out.find("--relationship NAME") != std::string::npos);
    // Without it the document lacks what the relationship would have given.
    const test::Finished without = run_fluxgate({"validate", file});
    CHECK(without.code == 2);
    CHECK(without.err.find("error at /url: the required field \"url\" is missing") != std::string::npos);
}

TEST_CASE("an export takes address and token from a relationship, goes on with it, and writes the token nowhere") {
    const auto server = test::start_server();
    const auto other = test::start_server();
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.json", document), out = directory.path() + "/out";
    const auto export_with = [&](const std::string& document_file, const std::map<std::string, std::string>& environment) {
        const test::Finished f =
            run_fluxgate({"export", document_file, "--relationship", "influxdb", "--bucket", "plant", "--measurement", "machine", "--start",
                          "2026-01-01T00:00:00Z", "--stop", "2026-01-01T00:20:00Z", "--window", "5m", "--out", out, "--log-level", "debug"},
                         directory.path(), environment);
        INFO(f.err);
        CHECK_FALSE(has_secret(f.out + f.err));
        CHECK_FALSE(has_secret(all_files(directory.path())));
        return f;
    };
    REQUIRE(export_with(file, platform(server->port())).code == 0);
    const std::string address = "http://127.0.0.1:" + std::to_string(server->port());
    const std::string plan = all_files(out + "/.fluxgate-export");
    CHECK(plan.find("\"url\":\"" + address + "\",\"organization\":\"test-org\"") != std::string::npos);

    // What the document says does not count: the same export.
    const test::Finished again = export_with(directory.write("original.json", test::original_document(1)), platform(server->port()));
    CHECK(again.code == 0);
    CHECK(again.err.find("the export is complete") != std::string::npos);

    // Another server under the same name: its rows do not get among the others.
    const test::Finished moved = export_with(file, platform(other->port()));
    CHECK(moved.code == 2);
    CHECK(moved.err.find("holds an export with url " + address + ", not http://127.0.0.1:" + std::to_string(other->port()) +
                         "; go on with the server that it began with (what the document, its variables and --relationship come to)") !=
          std::string::npos);
    CHECK(other->queries() == 2); // the look at buckets and measurements
}

TEST_CASE("what a relationship replaces in the document of an export is told once, and the document's own token is not needed") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::string file = directory.write("original.json", test::original_document(1)); // nothing listens at port 1
    auto environment = platform(server->port());
    environment["AKV_ACCESS_TOKEN"] = "a-token-that-is-not-asked-for";
    const test::Finished f = run_fluxgate({"export", file, "--relationship", "influxdb", "--bucket", "plant", "--measurement", "machine", "--start",
                                           "2026-01-01T00:00:00Z", "--stop", "2026-01-01T00:05:00Z", "--out", directory.path() + "/out"},
                                          directory.path(), environment);
    INFO(f.err);
    CHECK(f.code == 0);
    const std::string warning = "(PLATFORM_RELATIONSHIPS) replaces what the document says in ";
    CHECK(f.err.find(warning) != std::string::npos);
    CHECK(f.err.find(warning) == f.err.rfind(warning));
}

TEST_CASE("an export stands for the server that the variables of its document came to") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    std::string text = document;
    text.replace(text.find("\"type\": \"input"), 0,
                 R"("url": "http://${FIRST_HOST}", "port": "${FIRST_PORT}", "organization": "${FIRST_ORG:-test-org}",
                    "authentication": {"type": "accessToken", "accessToken": "AKV_ACCESS_TOKEN"}, )");
    const std::string file = directory.write("plant.json", text), out = directory.path() + "/out";
    const std::vector<std::string> command{
        "export", file, "--bucket", "plant", "--measurement", "machine", "--start", "2026-01-01T00:00:00Z", "--stop", "2026-01-01T00:05:00Z",
        "--out",  out};
    std::map<std::string, std::string> environment{{"FIRST_HOST", "127.0.0.1"}, {"FIRST_PORT", std::to_string(server->port())}};
    REQUIRE(run_fluxgate(command, directory.path(), environment).code == 0);
    CHECK(all_files(out + "/.fluxgate-export").find("\"url\":\"http://127.0.0.1:" + std::to_string(server->port()) + "\"") != std::string::npos);
    environment["FIRST_HOST"] = "localhost";
    const test::Finished moved = run_fluxgate(command, directory.path(), environment);
    INFO(moved.err);
    CHECK(moved.code == 2);
    CHECK(moved.err.find("not http://localhost:") != std::string::npos);
}

TEST_CASE("every command that reads a document has --relationship") {
    const std::vector<std::vector<std::string>> commands{{"run"},
                                                         {"validate"},
                                                         {"check"},
                                                         {"plan"},
                                                         {"schema"},
                                                         {"export"},
                                                         {"cursor", "show"},
                                                         {"cursor", "set"},
                                                         {"cursor", "rewind"},
                                                         {"cursor", "export"},
                                                         {"cursor", "import"},
                                                         {"dead-letters", "list"},
                                                         {"dead-letters", "show"},
                                                         {"dead-letters", "replay"}};
    const std::string all = run_fluxgate({"--help"}).out;
    const std::vector<std::string> lines = test::lines_of(all.substr(all.find("Subcommands:\n")));
    for (std::size_t i = 1; i < lines.size(); ++i) { // a command that is new has to be thought of here
        if (lines[i].find_first_not_of(' ') != 2) continue;
        const std::string name = lines[i].substr(2, lines[i].find(' ', 2) - 2);
        INFO(name);
        CHECK((name == "init" || name == "stages" ||
               std::any_of(commands.begin(), commands.end(), [&](const std::vector<std::string>& one) { return one.front() == name; })));
    }
    for (std::vector<std::string> command : commands) {
        INFO(command.front() << " " << command.back());
        command.emplace_back("--help");
        CHECK(run_fluxgate(command).out.find("--relationship NAME") != std::string::npos);
    }
}
