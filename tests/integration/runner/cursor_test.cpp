// `fluxgate cursor`, and where a run keeps its state, as a user sees them.
#include "runner.hpp"
#include "support/catch.hpp"
#include "support/paths.hpp"

#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace fluxgate;
using test::Finished;
using test::run_fluxgate;

namespace {

const std::string program = FLUXGATE_BINARY_DIR "/bin/fluxgate";
const std::string ten = "2026-11-21T10:00:00Z";

// A document, a state directory, and the commands on both.
struct Desk {
    Desk() : file(directory.write("plant.json", test::original_document(1234))), state(directory.path() + "/s/state") {}
    [[nodiscard]] Finished run(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), "cursor");
        arguments.insert(arguments.begin() + 2, file);
        arguments.insert(arguments.end(), {"--state", state});
        return run_fluxgate(arguments);
    }
    [[nodiscard]] Finished import(const std::string& text) const {
        const std::string from = directory.write("import.json", text);
        return test::run_program("/bin/sh", {"-c", "exec " + program + " cursor import " + file + " --state " + state + " < " + from});
    }
    [[nodiscard]] std::string position() const {
        const Finished f = run({"show", "--json"});
        REQUIRE(f.code == 0);
        const std::size_t at = f.out.find("\"position\":\"");
        return at == std::string::npos ? "(none)" : f.out.substr(at + 12, f.out.find('"', at + 12) - at - 12);
    }
    test::TempDirectory directory;
    std::string file, state;
};

// Holds the lock as a running pipeline does.
class Lock {
public:
    explicit Lock(const std::string& path) : fd_(::open(path.c_str(), O_RDWR | O_CREAT, 0600)) {
        struct flock lock {};
        lock.l_type = F_WRLCK;
        REQUIRE(fd_ >= 0);
        REQUIRE(::fcntl(fd_, F_OFD_SETLK, &lock) == 0);
        const std::string text = "pid 4711\nhost press-hall\nsince 2026-11-21T09:00:00.000Z\n";
        REQUIRE(::ftruncate(fd_, 0) == 0);
        REQUIRE(::write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    ~Lock() { ::close(fd_); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

private:
    int fd_;
};

void says(const Finished& f, int code, const std::string& text) {
    INFO("out: " << f.out << "\nerr: " << f.err);
    CHECK(f.code == code);
    CHECK((code == 0 ? f.out : f.err).find(text) != std::string::npos);
    if (code != 0) CHECK(f.out.empty());
}

} // namespace

TEST_CASE("before the first run there is no cursor, and looking for it makes nothing") {
    const Desk desk;
    says(desk.run({"show"}), 0, "none yet: reading begins at incremental.start");
    says(desk.run({"show", "--json"}), 0, "\"cursor\":null");
    says(desk.run({"export"}), 1, "has no cursor yet");
    says(desk.run({"rewind", "1h"}), 1, "has no cursor yet");
    CHECK_FALSE(std::filesystem::exists(desk.state));
}

TEST_CASE("a cursor is set, shown, rewound, exported and imported again") {
    const Desk desk;
    says(desk.run({"set", ten}), 0, "the cursor of plant stands at " + ten);
    says(desk.run({"show"}), 0, "position        " + ten);
    says(desk.run({"rewind", "1h30m"}), 0, "stands at 2026-11-21T08:30:00Z");
    const Finished exported = desk.run({"export"});
    says(exported, 0, R"({"pipeline":"plant","version":1,"position":"2026-11-21T08:30:00Z")");
    CHECK(test::lines_of(exported.out).size() == 1);
    REQUIRE(desk.run({"set", "2000-01-01T00:00:00.000000001Z"}).code == 0);
    CHECK(desk.position() == "2000-01-01T00:00:00.000000001Z");
    says(desk.import(exported.out), 0, "stands at 2026-11-21T08:30:00Z");
    CHECK(desk.position() == "2026-11-21T08:30:00Z");
    CHECK(std::filesystem::status(desk.state).permissions() == std::filesystem::perms::owner_all);
    CHECK(std::filesystem::exists(desk.state + "/plant.db"));
}

TEST_CASE("a time may be now or lie before now, also where it looks like an option") {
    const Desk desk;
    for (const std::string time : {"now", "-2h", "now-1m30s"}) {
        INFO(time);
        const Finished f = desk.run({"set", time});
        INFO(f.err);
        CHECK(f.code == 0);
    }
    says(desk.run({"set", "1678-01-01T00:00:00Z"}), 0, "(more than 100 years ago)");
    says(desk.run({"set", "2261-12-31T23:59:59Z"}), 0, "(more than 100 years ahead of now)");
    says(desk.run({"set", "-90s"}), 0, "1m3"); // 1m30s ago, or a second or two later
}

TEST_CASE("wrong times, durations, cursors and commands are usage errors that say what is allowed, and change nothing") {
    const Desk desk;
    REQUIRE(desk.run({"set", ten}).code == 0);
    says(desk.run({"set", "yesterday"}), 2, "yesterday: it is no RFC 3339 time");
    says(desk.run({"set", "2026-02-30T00:00:00Z"}), 2, "RFC 3339");
    says(desk.run({"set", "-2"}), 2, "has no unit");
    says(desk.run({"set"}), 2, "TIME");
    says(desk.run({"rewind", "1"}), 2, "has no unit");
    says(desk.run({"rewind", "0s"}), 2, "more than 0s");
    says(desk.run({"rewind", "9999999h"}), 2, "292 years");
    says(desk.run({"shwo"}), 2, "");
    says(desk.run({"show", "--jsno"}), 2, "--jsno");
    says(run_fluxgate({"cursor"}), 2, "a command is missing: show, set, rewind, export, import");
    says(run_fluxgate({"cursor", "show", "not-there.json"}), 2, "cannot read not-there.json");
    says(desk.import("{}"), 2, "/version is missing");
    says(desk.import("not json"), 2, "not valid");
    says(desk.import(R"({"pipeline":"other","version":1,"position":"2026-11-21T10:00:00Z"})"), 2, "this is the pipeline \"plant\"");
    says(desk.import(R"({"version":1,"position":"2026-11-21T10:00:00"})"), 2, "/position");
    CHECK(desk.position() == ten);
}

TEST_CASE("while a process holds the state it can be looked at but not changed, and the refusal names the process") {
    const Desk desk;
    REQUIRE(desk.run({"set", ten}).code == 0);
    {
        const Lock lock{desk.state + "/plant.lock"};
        for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{{"set", "now"}, {"rewind", "1h"}})
            says(desk.run(command), 1, "in use by process 4711 on press-hall since 2026-11-21T09:00:00.000Z");
        says(desk.import(R"({"version":1,"position":"2026-11-21T11:00:00Z"})"), 1, "in use by process 4711");
        says(desk.run({"export"}), 0, ten);
        says(desk.run({"show"}), 0, "process 4711 on press-hall since");
        says(desk.run({"show", "--json"}), 0, R"("holder":{"pid":4711,"host":"press-hall")");
    }
    says(desk.run({"show"}), 0, "in use by       nobody");
    CHECK(desk.position() == ten);
}

TEST_CASE("a state that cannot be made, read or is not ours is said with its place and what to do") {
    Desk desk;
    desk.directory.write("file", "x");
    desk.state = desk.directory.path() + "/file";
    says(desk.run({"set", ten}), 1, "name a directory with --state DIR");
    desk.state = "/proc/fluxgate";
    says(desk.run({"set", ten}), 1, "/proc/fluxgate");
    desk.state = desk.directory.path();
    desk.directory.write("plant.db", std::string(4096, 'x'));
    says(desk.run({"show"}), 1, "no state of fluxgate");
    says(desk.run({"set", ten}), 1, "no state of fluxgate");
}

TEST_CASE("state is kept where systemd, XDG or the home directory say, in that order, and --id names the pipeline") {
    const Desk desk;
    const std::string root = desk.directory.path();
    const auto run = [&](std::map<std::string, std::string> variables, const std::vector<std::string>& more = {}) {
        for (const char* name : {"STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"})
            variables.try_emplace(name, "");
        std::vector<std::string> arguments{"cursor", "set", desk.file, ten};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return test::run_program(program, arguments, variables);
    };
    const auto made = [&](const std::string& path) { return std::filesystem::exists(root + path); };
    CHECK(run({{"STATE_DIRECTORY", root + "/a:" + root + "/b"}, {"XDG_STATE_HOME", root + "/x"}, {"HOME", root + "/h"}}).code == 0);
    CHECK(made("/a/plant.db"));
    CHECK(run({{"XDG_STATE_HOME", root + "/x"}, {"HOME", root + "/h"}}).code == 0);
    CHECK(made("/x/fluxgate/plant.db"));
    CHECK(run({{"XDG_STATE_HOME", "relative"}, {"HOME", root + "/h"}}, {"--id", "other"}).code == 0);
    CHECK(made("/h/.local/state/fluxgate/other.db"));
    says(run({}), 2, "name a directory with --state DIR");
}

TEST_CASE("plain reading makes no state and needs no place for it") {
    auto server = test::start_server();
    const test::TempDirectory directory;
    const std::string file = directory.write("p.json", test::original_document(server->port()));
    const Finished f =
        test::run_program(program, {"run", file, "--once", "--accept-changed-query"},
                          {{"AKV_ACCESS_TOKEN", test::token}, {"HOME", directory.path()}, {"STATE_DIRECTORY", ""}, {"XDG_STATE_HOME", ""}});
    INFO(f.err);
    CHECK(f.code == 0);
    CHECK_FALSE(std::filesystem::exists(directory.path() + "/.local"));
    const Finished without = test::run_program(program, {"run", file, "--once", "--accept-changed-query"},
                                               {{"AKV_ACCESS_TOKEN", test::token}, {"HOME", ""}, {"STATE_DIRECTORY", ""}, {"XDG_STATE_HOME", ""}});
    CHECK(without.code == 0);
}
