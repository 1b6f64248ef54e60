// A run as a service: what the service manager hears, and the document read again at SIGHUP.
#include "runner.hpp"
#include "support/catch.hpp"
#include "support/paths.hpp"

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <set>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

using namespace fluxgate;
using namespace std::chrono_literals;
using test::Process;

namespace {

const std::string program = FLUXGATE_BINARY_DIR "/bin/fluxgate";

// The socket on which systemd listens.
class Manager {
public:
    explicit Manager(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        REQUIRE(fd_ >= 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(path.size() < sizeof address.sun_path);
        std::memcpy(address.sun_path, path.data(), path.size());
        REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    ~Manager() { ::close(fd_); }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;

    // Listens until a message holds `text`, or `most` has passed; everything heard stays in all().
    bool hears(const std::string& text, std::chrono::milliseconds most) {
        const auto until = std::chrono::steady_clock::now() + most;
        for (;;) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
            pollfd wait{fd_, POLLIN, 0};
            if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) <= 0) return false;
            char buffer[4096];
            const ssize_t size = ::recv(fd_, buffer, sizeof buffer, 0);
            REQUIRE(size >= 0);
            all_ += std::string(buffer, static_cast<std::size_t>(size)) + "--\n";
            if (std::string(buffer, static_cast<std::size_t>(size)).find(text) != std::string::npos) return true;
        }
    }
    [[nodiscard]] const std::string& all() const { return all_; }

private:
    int fd_;
    std::string all_;
};

std::map<std::string, std::string> environment(std::map<std::string, std::string> more = {}) {
    more["AKV_ACCESS_TOKEN"] = test::token;
    return more;
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), with);
}

std::vector<std::string> messages_below(const std::string& root) {
    std::vector<std::string> out;
    if (!std::filesystem::exists(root)) return out;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{root}) {
        if (!entry.is_regular_file()) continue;
        CHECK(entry.path().extension() != ".part");
        std::ifstream in{entry.path(), std::ios::binary};
        for (std::string line; std::getline(in, line);)
            out.push_back(line);
    }
    return out;
}

std::uint64_t number_in(const std::string& text, const std::string& name) {
    const std::size_t at = text.rfind(name);
    REQUIRE(at != std::string::npos);
    return std::stoull(text.substr(at + name.size()));
}

// Two branches of files, below `a` and `b`.
std::string two_files(std::uint16_t port, const std::string& a, const std::string& b, const std::string& interval = "20ms") {
    std::string text = replaced(test::files_document(port, a), R"("next": ["files"])", R"("next": ["files", "more"])");
    text = replaced(text, "\"200ms\"", "\"" + interval + "\"");
    return replaced(text, R"("stages": {)",
                    R"("stages": {"more": {"displayName": "more", "type": "output/file@v1", "rootDirectory": ")" + b +
                        R"(", "filePath": "{{partitionId}}-{{fileNumber}}.jsonl", "format": {"type": "jsonStream", "path": "."},
                                                "batch": {"time": "1h"}}, )");
}

std::string incremental_document(std::uint16_t port, const std::string& root, const std::string& field) {
    std::string text = test::files_document(port, root, R"(, "incremental": {"start": "-30m", "window": "1m"})");
    text = replaced(text, "range(start: -10m)", "range(start: v.timeRangeStart, stop: v.timeRangeStop)");
    return replaced(text, "r._measurement == \\\"machine\\\"", "r._measurement == \\\"machine\\\" and r._field == \\\"" + field + "\\\"");
}

} // namespace

TEST_CASE("the service manager hears that the run is ready, how it goes, that it lives, and that it stops") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    Manager manager{directory.path() + "/notify"};
    const std::string file = directory.write("plant.json", test::files_document(server->port(), directory.path() + "/out"));
    Process process{
        program, {"run", file}, environment({{"NOTIFY_SOCKET", directory.path() + "/notify"}, {"WATCHDOG_USEC", "400000"}}), directory.path()};
    INFO(manager.all());
    REQUIRE(manager.hears("READY=1\nSTATUS=", 15s));
    REQUIRE(manager.hears("WATCHDOG=1", 10s));
    REQUIRE(manager.hears("WATCHDOG=1", 10s));
    REQUIRE(manager.hears("; all stages are well", 15s)); // a later status, with what was delivered meanwhile
    CHECK(manager.all().find(" messages delivered, 0 dead letters, ") != std::string::npos);
    process.signal(SIGTERM);
    CHECK(manager.hears("STOPPING=1", 10s));
    CHECK(process.wait(15s).code == 143);
    CHECK(manager.all().find(test::token) == std::string::npos);
}

TEST_CASE("while the server is away the service manager hears how far the cursor is behind by now") {
    auto server = test::start_server();
    const test::TempDirectory directory;
    Manager manager{directory.path() + "/notify"};
    const std::string file = directory.write("plant.json", incremental_document(server->port(), directory.path(), "count"));
    Process process{program,
                    {"run", file, "--state", directory.path() + "/state"},
                    environment({{"NOTIFY_SOCKET", directory.path() + "/notify"}}),
                    directory.path()};
    const auto behind = [&manager] {
        const std::size_t end = manager.all().rfind(" s behind");
        REQUIRE(end != std::string::npos);
        return std::stoull(manager.all().substr(manager.all().rfind(' ', end - 1) + 1));
    };
    const bool told = manager.hears(" s behind; all stages are well", 15s);
    INFO(manager.all());
    REQUIRE(told);
    server.reset();
    REQUIRE(manager.hears("input: retrying", 15s));
    const auto first = behind();
    REQUIRE(manager.hears("input: retrying", 15s)); // told again because it changed
    CHECK(behind() > first);
    process.signal(SIGTERM);
    CHECK(process.wait(15s).code == 143);
}

TEST_CASE("a run that stands still is not said to live") {
    // The write of standard output's 64 KiB pipe blocks nobody: the output answers busy, and that is by design.
    const auto server = test::start_server();
    const test::TempDirectory directory;
    Manager manager{directory.path() + "/notify"};
    const std::string file = directory.write("sample.json", replaced(test::original_document(server->port()), "\"5s\"", "\"1ms\""));
    Process process{
        program, {"run", file}, environment({{"NOTIFY_SOCKET", directory.path() + "/notify"}, {"WATCHDOG_USEC", "1000000"}}), directory.path()};
    REQUIRE(manager.hears("READY=1", 15s));
    std::this_thread::sleep_for(2s); // nobody reads: pipe and queues are full by now
    while (manager.hears("", 10ms)) {
    }
    CHECK(manager.hears("WATCHDOG=1", 5s)); // it waits for its reader, and lives
    // Stopped by a signal, nothing moves, and nothing is heard.
    process.signal(SIGSTOP);
    while (manager.hears("", 50ms)) {
    }
    CHECK_FALSE(manager.hears("WATCHDOG=1", 1500ms));
    process.signal(SIGCONT);
    process.signal(SIGINT);
    process.signal(SIGINT);
    CHECK_FALSE(process.wait(30s).hung);
}

TEST_CASE("at SIGHUP under load only the changed output is replaced, and every message is delivered once by each output") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    Manager manager{directory.path() + "/notify"};
    const std::string root = directory.path();
    const std::string file = directory.write("plant.json", two_files(server->port(), root + "/a", root + "/b"));
    Process process{program, {"run", file}, environment({{"NOTIFY_SOCKET", root + "/notify"}}), root};
    for (int round = 1; round <= 3; ++round) {
        const std::uint64_t before = server->queries();
        test::until_queries(*server, before + 5);
        directory.write("plant.json", two_files(server->port(), root + "/a" + std::to_string(round), root + "/b"));
        process.signal(SIGHUP);
        REQUIRE(manager.hears("RELOADING=1\nMONOTONIC_USEC=", 10s));
        REQUIRE(manager.hears("READY=1", 30s));
    }
    const std::uint64_t before = server->queries();
    test::until_queries(*server, before + 5);
    process.signal(SIGTERM);
    const test::Finished f = process.wait(30s);
    INFO(f.err);
    CHECK(f.code == 143);
    CHECK(f.err.find("batchesAbandoned=0") != std::string::npos);
    std::size_t reloads = 0;
    for (const std::string& line : test::lines_of(f.err)) {
        if (line.find(" pipeline.reloaded ") == std::string::npos) continue;
        ++reloads;
        CHECK(line.find("kept=input,more replaced=files") != std::string::npos);
    }
    CHECK(reloads == 3);
    const std::uint64_t read = number_in(f.err, " messages=");
    CHECK(number_in(f.err, " delivered=") == 2 * read);
    std::vector<std::string> a;
    for (const char* part : {"/a", "/a1", "/a2", "/a3"}) {
        const std::vector<std::string> some = messages_below(root + part);
        CHECK_FALSE(some.empty());
        a.insert(a.end(), some.begin(), some.end());
    }
    const std::vector<std::string> b = messages_below(root + "/b");
    CHECK(a.size() == read);
    CHECK(std::multiset<std::string>(a.begin(), a.end()) == std::multiset<std::string>(b.begin(), b.end()));
    // The unchanged output kept its open files: one a partition that got messages, never closed by a reload.
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{root + "/b"})
        files += entry.is_regular_file() ? 1u : 0u;
    CHECK(files <= 4);
}

TEST_CASE("a document that is not valid is refused at SIGHUP with each of its faults, and the old one goes on") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    Manager manager{directory.path() + "/notify"};
    const std::string good = test::files_document(server->port(), directory.path() + "/out");
    const std::string file = directory.write("plant.json", good);
    Process process{program, {"run", file}, environment({{"NOTIFY_SOCKET", directory.path() + "/notify"}}), directory.path()};
    REQUIRE(manager.hears("READY=1", 15s));
    directory.write("plant.json", replaced(replaced(good, "\"200ms\"", "\"soon\""), "\"partitionCount\": 4", "\"partitionCount\": 0"));
    process.signal(SIGHUP);
    REQUIRE(manager.hears("READY=1", 15s));
    std::filesystem::remove(file);
    process.signal(SIGHUP);
    REQUIRE(manager.hears("READY=1", 15s));
    const std::uint64_t before = server->queries();
    test::until_queries(*server, before + 3);
    process.signal(SIGTERM);
    const test::Finished f = process.wait(15s);
    INFO(f.err);
    CHECK(f.code == 143);
    for (const char* pointer : {"pointer=/input/interval", "pointer=/input/partitionCount"})
        CHECK(f.err.find(pointer) != std::string::npos);
    CHECK(f.err.find("the document is not valid; the old one goes on") != std::string::npos);
    CHECK(f.err.find("the document cannot be read; the old one goes on") != std::string::npos);
    CHECK(f.err.find("pipeline.reloaded") == std::string::npos);
    CHECK(f.err.find("batchesAbandoned=0") != std::string::npos);
}

TEST_CASE("a changed query is refused at SIGHUP by the rule of the cursor, other changes of the source go on from the cursor") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    Manager manager{directory.path() + "/notify"};
    const std::string root = directory.path() + "/out";
    const std::string first = incremental_document(server->port(), root, "temp");
    const std::string file = directory.write("plant.json", first);
    Process process{program,
                    {"run", file, "--state", directory.path() + "/state"},
                    environment({{"NOTIFY_SOCKET", directory.path() + "/notify"}}),
                    directory.path()};
    REQUIRE(manager.hears("READY=1", 15s));
    test::until_queries(*server, 40); // past the backlog of 30 windows
    directory.write("plant.json", incremental_document(server->port(), root, "speed"));
    process.signal(SIGHUP);
    REQUIRE(process.until_error("reload.refused", 15s));
    REQUIRE(manager.hears("RELOADING=1", 15s));
    REQUIRE(manager.hears("READY=1", 15s));
    directory.write("plant.json", replaced(first, "\"200ms\"", "\"100ms\""));
    process.signal(SIGHUP);
    REQUIRE(manager.hears("READY=1", 15s));
    const std::uint64_t before = server->queries();
    test::until_queries(*server, before + 5);
    process.signal(SIGTERM);
    const test::Finished f = process.wait(15s);
    INFO(f.err);
    CHECK(f.code == 143);
    CHECK(f.err.find("was written for another url, organization or query") != std::string::npos);
    CHECK(f.err.find("kept=files replaced=input") != std::string::npos);
    CHECK(f.err.find("batchesAbandoned=0") != std::string::npos);
    std::set<std::string> ids;
    const std::vector<std::string> messages = messages_below(root);
    for (const std::string& message : messages) {
        const std::size_t at = message.find("\"rowId\":\"");
        REQUIRE(at != std::string::npos);
        ids.insert(message.substr(at, message.find('"', at + 9) - at));
        CHECK(message.find("\"_field\":\"temp\"") != std::string::npos);
    }
    CHECK(ids.size() > 100);
    CHECK(ids.size() == messages.size()); // no window was open: nothing came twice
}

TEST_CASE("a document that says enabled: false at SIGHUP ends the run in order") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::string text = test::files_document(server->port(), directory.path() + "/out");
    const std::string file = directory.write("plant.json", text);
    Process process{program, {"run", file}, environment(), directory.path()};
    test::until_queries(*server, 2);
    directory.write("plant.json", replaced(text, "{\"displayName\": \"files\"", "{\"enabled\": false, \"displayName\": \"files\""));
    process.signal(SIGHUP);
    const test::Finished f = process.wait(15s);
    INFO(f.err);
    CHECK(f.code == 0);
    CHECK(f.err.find("batchesAbandoned=0") != std::string::npos);
}

TEST_CASE("a secret is found in the directory of credentials that systemd gives") {
    const auto server = test::start_server();
    const test::TempDirectory directory;
    const std::string file =
        directory.write("sample.json", replaced(test::original_document(server->port()), "AKV_ACCESS_TOKEN\"", "FROM_SYSTEMD\""));
    directory.write("FROM_SYSTEMD", test::token);
    const test::Finished f = test::run_program(program, {"run", file, "--once"}, {{"CREDENTIALS_DIRECTORY", directory.path()}}, directory.path());
    INFO(f.err);
    CHECK(f.code == 0);
    CHECK(f.out.size() > 100);
}
