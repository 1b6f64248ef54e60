// SIGHUP, sent by somebody or by the kernel when the terminal goes away: what takes hours does not end without a word.
#include "runner.hpp"
#include "support/catch.hpp"
#include "support/paths.hpp"
#include "support/recording.hpp"

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <pty.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace fluxgate;
using namespace std::chrono_literals;

namespace {

using Lines = std::vector<std::string>;

std::unique_ptr<sample::Server> slow_server() {
    sample::ServerOptions options;
    options.faults = {*sample::parse_fault("delay-first-byte=100ms")};
    return test::start_server(std::move(options));
}

// Twenty windows, two seconds or more.
Lines slow_export(const test::TempDirectory& directory, const sample::Server& server) {
    return {"export",        directory.write("document.json", test::original_document(server.port())),
            "--bucket",      "plant",
            "--measurement", "machine",
            "--start",       "2026-01-01T00:00:00Z",
            "--stop",        "2026-01-01T00:20:00Z",
            "--window",      "1m",
            "--out",         directory.path() + "/out"};
}

// A program that has a terminal of its own, which can go away.
class OnTerminal {
public:
    OnTerminal(const Lines& arguments, const std::string& errors, bool nohup) {
        pid_ = forkpty(&master_, nullptr, nullptr, nullptr);
        if (pid_ != 0) return;
        const int file = open(errors.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(file, 2);
        setenv("AKV_ACCESS_TOKEN", test::token.c_str(), 1);
        signal(SIGHUP, nohup ? SIG_IGN : SIG_DFL);
        std::string program = FLUXGATE_BINARY_DIR "/bin/fluxgate";
        std::vector<char*> all{program.data()};
        for (const std::string& argument : arguments)
            all.push_back(const_cast<char*>(argument.c_str()));
        all.push_back(nullptr);
        execv(program.c_str(), all.data());
        _exit(127);
    }
    ~OnTerminal() {
        close_terminal();
        if (pid_ > 0) kill(pid_, SIGKILL), waitpid(pid_, nullptr, 0);
    }
    OnTerminal(const OnTerminal&) = delete;
    OnTerminal& operator=(const OnTerminal&) = delete;

    void close_terminal() {
        if (master_ >= 0) close(master_);
        master_ = -1;
    }

    // The exit code, or 128 + signal; that of SIGKILL when it takes more than a minute.
    int wait() {
        int status = 0;
        for (int i = 0; waitpid(pid_, &status, WNOHANG) == 0; ++i) {
            if (i == 6000) kill(pid_, SIGKILL);
            std::this_thread::sleep_for(10ms);
        }
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

private:
    int pid_ = -1, master_ = -1;
};

} // namespace

TEST_CASE("a SIGHUP does not end an export, at whatever time it comes, and the log says that it came") {
    const auto server = slow_server();
    const test::TempDirectory directory;
    const auto process = test::start_fluxgate(slow_export(directory, *server));
    test::until_queries(*server, 1); // the names are looked up; nothing is made yet
    process->signal(SIGHUP);
    REQUIRE(process->until_error("run.hangup \"SIGHUP came, and there is no document that could be read again; the run goes on", 20s));
    test::until_queries(*server, server->queries() + 3);
    process->signal(SIGHUP);
    const test::Finished f = process->wait(30s);
    INFO(f.err);
    CHECK(f.code == 0);
    CHECK(f.err.find("the export is complete") != std::string::npos);
    CHECK(f.err.find("run.hangup") != f.err.rfind("run.hangup"));
    CHECK(f.err.find("reload.") == std::string::npos);
}

TEST_CASE("a terminal that goes away ends an export in order, and the same command goes on; under nohup nothing ends") {
    const auto server = slow_server();
    const test::TempDirectory directory;
    const Lines command = slow_export(directory, *server);
    const std::string errors = directory.path() + "/errors";
    {
        OnTerminal program{command, errors, false};
        test::until_queries(*server, 5);
        program.close_terminal();
        CHECK(program.wait() == 143);
        const std::string said = test::read_file(errors);
        INFO(said);
        CHECK(said.find("run.hangup \"the terminal went away; the run ends in order") != std::string::npos);
        CHECK(said.find("the same command goes on from there") != std::string::npos);
    }
    OnTerminal program{command, errors, true};
    test::until_queries(*server, server->queries() + 4);
    program.close_terminal();
    CHECK(program.wait() == 0);
    const std::string said = test::read_file(errors);
    INFO(said);
    CHECK(said.find("run.hangup \"the terminal went away; the run goes on") != std::string::npos);
    CHECK(said.find("the export is complete") != std::string::npos);
}
