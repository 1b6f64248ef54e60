// How runs end: by time, by signals, by a reader that goes away.
#include "runner.hpp"
#include "support/catch.hpp"
#include "support/recording.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

using namespace fluxgate;
using test::run_fluxgate;
using namespace std::chrono_literals;

TEST_CASE("--for ends the run in order after its time") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::string file = directory.write("plant.json", test::files_document(server->port(), directory.path() + "/out"));
    const auto began = std::chrono::steady_clock::now();
    const test::Finished f = run_fluxgate({"run", file, "--for", "1s"}, directory.path());
    const auto took = std::chrono::steady_clock::now() - began;
    INFO(f.err);
    CHECK(f.code == 0);
    CHECK(took >= 1s);
    CHECK(took < 15s);
    CHECK(server->queries() >= 2);
    for (const auto& entry : std::filesystem::recursive_directory_iterator{directory.path() + "/out"})
        CHECK(entry.path().extension() != ".part");
}

TEST_CASE("SIGINT and SIGTERM stop in order: what was read is delivered, the exit codes are 130 and 143") {
    for (const auto& [signal, code] : std::map<int, int>{{SIGINT, 130}, {SIGTERM, 143}}) {
        const auto server = test::start_server();
        const test::TempDirectory directory;
        const auto process = test::start_fluxgate(
            {"run", directory.write("plant.json", test::files_document(server->port(), directory.path() + "/out"))}, directory.path());
        test::until_queries(*server, 2);
        process->signal(signal);
        const test::Finished f = process->wait(15s);
        INFO(f.err);
        CHECK_FALSE(f.hung);
        CHECK(f.code == code);
        CHECK(f.err.find("batchesAbandoned=0") != std::string::npos);
        bool any = false;
        for (const auto& entry : std::filesystem::recursive_directory_iterator{directory.path() + "/out"}) {
            CHECK(entry.path().extension() != ".part");
            any = any || entry.is_regular_file();
        }
        CHECK(any);
    }
}

TEST_CASE("a signal while a server says nothing ends the run at once") {
    sample::ServerOptions options;
    options.faults.push_back(*sample::parse_fault("delay-first-byte=60s"));
    const auto server = test::start_server(std::move(options));
    const test::TempDirectory directory;
    const auto process = test::start_fluxgate({"run", directory.write("sample.json", test::original_document(server->port()))}, directory.path());
    test::until_queries(*server, 1);
    process->signal(SIGTERM);
    const test::Finished f = process->wait(5s);
    CHECK_FALSE(f.hung);
    CHECK(f.code == 143);
}

TEST_CASE("a reader that goes away ends the run quietly") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    std::string document = test::original_document(server->port());
    document.replace(document.find("\"5s\""), 4, "\"1ms\"");
    const auto process = test::start_fluxgate({"run", directory.write("sample.json", document)}, directory.path());
    REQUIRE(process->until_output(1000, 10s));
    process->close_output();
    const test::Finished f = process->wait(10s);
    INFO(f.err);
    CHECK_FALSE(f.hung);
    CHECK(f.code == 0);
    CHECK(f.err.find(" error ") == std::string::npos);
}

TEST_CASE("a reader that does not read stops the source, not the signal") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    std::string document = test::original_document(server->port());
    document.replace(document.find("\"5s\""), 4, "\"1ms\"");
    const auto process = test::start_fluxgate({"run", directory.write("sample.json", document)}, directory.path());
    // nobody reads: the pipe and then the queues fill
    std::this_thread::sleep_for(1500ms);
    const auto before = server->queries();
    std::this_thread::sleep_for(500ms);
    CHECK(server->queries() <= before + 1);
    process->signal(SIGINT);
    process->signal(SIGINT); // the second one does not wait for the reader
    const test::Finished f = process->wait(30s);
    CHECK_FALSE(f.hung);
    CHECK(f.code == 130);
}

TEST_CASE("killed at any moment, a run leaves no half file under a final name, and the next one clears what was unfinished") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::filesystem::path root = directory.path() + "/out";
    std::string text = test::files_document(server->port(), root.string());
    text.replace(text.find("\"time\": \"1s\""), 12, "\"time\": \"5ms\""); // so that files are finished all the time
    const std::string file = directory.write("plant.json", text);
    std::filesystem::create_directory(root);
    std::size_t finished = 0;
    for (int round = 0; round < 12; ++round) {
        const auto process = test::start_fluxgate({"run", file}, directory.path());
        const std::size_t before = server->queries();
        test::until_queries(*server, before + 1 + static_cast<std::size_t>(round) % 3);
        std::this_thread::sleep_for(std::chrono::milliseconds{7 * round % 40});
        process->signal(SIGKILL);
        CHECK(process->wait(15s).code == 128 + SIGKILL);
        finished = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator{root}) {
            if (!entry.is_regular_file() || entry.path().extension() == ".part") continue;
            ++finished;
            std::ifstream in{entry.path(), std::ios::binary};
            const std::string all{std::istreambuf_iterator<char>{in}, {}};
            INFO(entry.path());
            REQUIRE_FALSE(all.empty());
            CHECK(all.back() == '\n');
            for (const std::string& line : test::lines_of(all))
                if (line.front() != '{' || line.back() != '}') FAIL_CHECK("half a message: " << line);
        }
    }
    CHECK(finished > 0);
    CHECK(run_fluxgate({"run", file, "--once"}, directory.path()).code == 0);
    for (const auto& entry : std::filesystem::recursive_directory_iterator{root})
        CHECK(entry.path().extension() != ".part");
}
