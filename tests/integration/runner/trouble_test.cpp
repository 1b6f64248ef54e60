// What a user sees when something is wrong.
#include "runner.hpp"
#include "support/catch.hpp"
#include "support/paths.hpp"
#include "support/recording.hpp"

#include <filesystem>

using namespace fluxgate;
using test::run_fluxgate;
using namespace std::chrono_literals;

namespace {

std::string fast(std::string document) {
    document.insert(1, R"("retry":{"type":"fixed","initial":"10ms"},)");
    return document;
}

} // namespace

TEST_CASE("a wrong token fails --once with the server's words, the secret's name and never its value") {
    sample::ServerOptions options;
    const auto server = test::start_server(std::move(options));
    const test::TempDirectory directory;
    const std::string file = directory.write("sample.json", test::original_document(server->port()));
    const std::string wrong = "wrong-token-0123456789";
    const test::Finished f = test::run_program(FLUXGATE_BINARY_DIR "/bin/fluxgate", {"run", file, "--once", "--log-level", "debug"},
                                               {{"AKV_ACCESS_TOKEN", wrong}}, directory.path());
    CHECK(f.code == 1);
    CHECK(f.err.find("unauthorized access") != std::string::npos);
    CHECK(f.err.find("AKV_ACCESS_TOKEN") != std::string::npos);
    CHECK((f.out + f.err).find(wrong) == std::string::npos);
}

TEST_CASE("a token that is not there is told with the places that were tried") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    std::string document = test::original_document(server->port());
    document.replace(document.find("AKV_ACCESS_TOKEN"), 16, "NOT_THERE_TOKEN_");
    const test::Finished f =
        run_fluxgate({"run", directory.write("sample.json", document), "--once", "--secrets", directory.path()}, directory.path());
    CHECK(f.code == 1);
    INFO(f.err);
    CHECK(f.err.find("NOT_THERE_TOKEN_") != std::string::npos);
    CHECK(f.err.find(directory.path()) != std::string::npos);
    CHECK(server->queries() == 0);
}

TEST_CASE("a secrets directory comes before the environment, and one trailing newline is not part of the secret") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    directory.write("AKV_ACCESS_TOKEN", test::token + "\n");
    const std::string file = directory.write("sample.json", test::original_document(server->port()));
    const test::Finished f = test::run_program(FLUXGATE_BINARY_DIR "/bin/fluxgate", {"run", file, "--once", "--secrets", directory.path()},
                                               {{"AKV_ACCESS_TOKEN", "wrong"}}, directory.path());
    INFO(f.err);
    CHECK(f.code == 0);
    CHECK(test::lines_of(f.out).size() > 1000);
}

TEST_CASE("the token is in no output of a run, whatever its form and level") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::string file = directory.write("sample.json", test::original_document(server->port()));
    for (const std::string format : {"text", "json"}) {
        const test::Finished f = run_fluxgate({"run", file, "--once", "--log-level", "debug", "--log-format", format}, directory.path());
        CHECK(f.code == 0);
        CHECK((f.out + f.err).find(test::token) == std::string::npos);
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator{directory.path()}) {
        if (entry.is_regular_file()) CHECK(test::read_file(entry.path().string()).find(test::token) == std::string::npos);
    }
}

TEST_CASE("a server that is not there fails --once after five tries, with the address and the reason") {
    std::uint16_t port = 0;
    {
        const auto gone = test::start_server();
        port = gone->port();
    }
    const test::TempDirectory directory;
    const test::Finished f = run_fluxgate({"run", directory.write("sample.json", fast(test::original_document(port))), "--once"}, directory.path());
    CHECK(f.code == 1);
    INFO(f.err);
    CHECK(f.err.find("127.0.0.1:" + std::to_string(port)) != std::string::npos);
    CHECK(f.err.find("5 tries") != std::string::npos);
}

TEST_CASE("a server that comes back is used again without a restart") {
    sample::ServerOptions options;
    options.faults.push_back(*sample::parse_fault("status=503,requests=1-3"));
    const auto server = test::start_server(std::move(options));
    const test::TempDirectory directory;
    const test::Finished f =
        run_fluxgate({"run", directory.write("sample.json", fast(test::original_document(server->port()))), "--once"}, directory.path());
    INFO(f.err);
    CHECK(f.code == 0);
    CHECK(server->queries() == 4);
    CHECK(test::lines_of(f.out).size() > 1000);
}

TEST_CASE("a run tells when a stage's health changes, and when it is well again") {
    sample::ServerOptions options;
    options.faults.push_back(*sample::parse_fault("status=503,requests=1"));
    const auto server = test::start_server(std::move(options));
    const test::TempDirectory directory;
    std::string document = test::original_document(server->port());
    document.insert(1, R"("retry":{"type":"fixed","initial":"700ms"},)");
    const auto process = test::start_fluxgate({"run", directory.write("sample.json", document)}, directory.path());
    CHECK(process->until_error("health=retrying", 10s));
    CHECK(process->until_error("health=ok", 10s));
    process->signal(SIGTERM);
    CHECK(process->wait(10s).code == 143);
}

TEST_CASE("a bad query fails --once with the server's words and position") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    std::string document = test::original_document(server->port());
    const std::size_t at = document.find("|> range(start: -1h)");
    document.replace(at, 20, "|> nonsense(a: 1)   ");
    const test::Finished f = run_fluxgate({"run", directory.write("sample.json", document), "--once"}, directory.path());
    CHECK(f.code == 1);
    INFO(f.err);
    CHECK(f.err.find("@1:") != std::string::npos);
    CHECK(f.err.find("nonsense") != std::string::npos);
}

TEST_CASE("an output that cannot write stops the run with the file and the reason") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    directory.write("out", "a file where a directory should be");
    const test::Finished f = run_fluxgate(
        {"run", directory.write("plant.json", test::files_document(server->port(), directory.path() + "/out")), "--once"}, directory.path());
    CHECK(f.code == 1);
    INFO(f.err);
    CHECK(f.err.find(directory.path() + "/out") != std::string::npos);
}

TEST_CASE("standard output that is full is an error, not a silent loss") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::string file = directory.write("sample.json", test::original_document(server->port()));
    const test::Finished f =
        test::run_program("/bin/sh", {"-c", std::string{FLUXGATE_BINARY_DIR} + "/bin/fluxgate run " + file + " --once > /dev/full"},
                          {{"AKV_ACCESS_TOKEN", test::token}}, directory.path());
    CHECK(f.code == 1);
    CHECK(f.err.find("No space left") != std::string::npos);
}
