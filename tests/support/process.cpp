#include "support/process.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace fluxgate::test {

namespace {

using Clock = std::chrono::steady_clock;

void make_pipe(int (&ends)[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
}

} // namespace

Process::Process(const std::string& program, const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment,
                 const std::string& directory) {
    int out[2], err[2];
    make_pipe(out);
    make_pipe(err);
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ == 0) {
        dup2(out[1], 1);
        dup2(err[1], 2);
        for (const auto& [name, value] : environment)
            setenv(name.c_str(), value.c_str(), 1);
        if (chdir(directory.c_str()) != 0) _exit(126);
        std::vector<char*> argv{const_cast<char*>(program.c_str())};
        for (const std::string& a : arguments)
            argv.push_back(const_cast<char*>(a.c_str()));
        argv.push_back(nullptr);
        execv(program.c_str(), argv.data());
        _exit(127);
    }
    close(out[1]);
    close(err[1]);
    out_ = out[0];
    err_ = err[0];
}

Process::~Process() {
    if (pid_ > 0) {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    if (out_ >= 0) close(out_);
    if (err_ >= 0) close(err_);
}

void Process::signal(int number) {
    kill(pid_, number);
}

void Process::close_output() {
    close(out_);
    out_ = -1;
}

bool Process::pump(std::chrono::milliseconds most) {
    pollfd fds[2] = {{out_, POLLIN, 0}, {err_, POLLIN, 0}};
    poll(fds, 2, static_cast<int>(most.count()));
    const auto take = [](int& fd, std::string& into) {
        char piece[65536];
        const ssize_t n = read(fd, piece, sizeof piece);
        if (n > 0) into.append(piece, static_cast<std::size_t>(n));
        if (n == 0) {
            close(fd);
            fd = -1;
        }
    };
    if (out_ >= 0 && fds[0].revents != 0) take(out_, finished_.out);
    if (err_ >= 0 && fds[1].revents != 0) take(err_, finished_.err);
    return out_ >= 0 || err_ >= 0;
}

bool Process::until_output(std::size_t bytes, std::chrono::milliseconds most) {
    const auto end = Clock::now() + most;
    while (finished_.out.size() < bytes && Clock::now() < end) {
        if (!pump(std::chrono::milliseconds{20})) break;
    }
    return finished_.out.size() >= bytes;
}

bool Process::until_error(const std::string& text, std::chrono::milliseconds most) {
    const auto end = Clock::now() + most;
    while (finished_.err.find(text) == std::string::npos && Clock::now() < end) {
        if (!pump(std::chrono::milliseconds{20})) break;
    }
    return finished_.err.find(text) != std::string::npos;
}

bool Process::until_end(std::chrono::milliseconds most) {
    const auto end = Clock::now() + most;
    while (pump(std::chrono::milliseconds{20})) {
        if (Clock::now() >= end) return false;
    }
    return true;
}

Finished Process::wait(std::chrono::milliseconds most) {
    const auto end = Clock::now() + most;
    bool open = true;
    int status = 0;
    for (;;) {
        if (open) open = pump(std::chrono::milliseconds{20});
        if (waitpid(pid_, &status, WNOHANG) == pid_) break;
        if (!open) poll(nullptr, 0, 5);
        if (Clock::now() >= end) {
            finished_.hung = true;
            kill(pid_, SIGKILL);
            waitpid(pid_, &status, 0);
            break;
        }
    }
    pid_ = -1;
    while (open)
        open = pump(std::chrono::milliseconds{100});
    finished_.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return finished_;
}

Finished run_program(const std::string& program, const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment,
                     const std::string& directory) {
    return Process{program, arguments, environment, directory}.wait(std::chrono::seconds{30});
}

TempDirectory::TempDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "fluxgate-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory can be made");
    path_ = name;
}

TempDirectory::~TempDirectory() {
    std::error_code left; // what cannot be removed stays in the system's temporary directory
    std::filesystem::remove_all(path_, left);
}

std::string TempDirectory::write(const std::string& name, const std::string& text) const {
    const std::string file = path_ + "/" + name;
    std::ofstream{file, std::ios::binary} << text;
    return file;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

} // namespace fluxgate::test
