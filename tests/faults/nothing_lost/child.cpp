#include "child.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ; // NOLINT(readability-redundant-declaration): not every libc declares it

namespace fluxgate::nothing_lost {

namespace {

[[noreturn]] void give_up(const std::string& what, int code) {
    (void)std::fprintf(stderr, "nothing_lost: %s: %s\n", what.c_str(), std::strerror(code));
    std::exit(3);
}

// In the child, and only with what may be called there. It does not outlive us: nobody would end it.
[[noreturn]] void become(char** arguments, char** variables, const Child::Streams& streams) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int in = streams.in >= 0 ? streams.in : ::open("/dev/null", O_RDONLY), out = streams.out >= 0 ? streams.out : ::open("/dev/null", O_WRONLY),
              error = ::open(streams.error_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(error, 2) < 0) ::_exit(126);
    ::execve(arguments[0], arguments, variables);
    ::_exit(127);
}

} // namespace

Child::Child(const std::vector<std::string>& command, const Streams& streams, const std::vector<std::string>& environment) {
    std::vector<char*> arguments, variables;
    for (const std::string& a : command)
        arguments.push_back(const_cast<char*>(a.c_str()));
    arguments.push_back(nullptr);
    for (const std::string& e : environment)
        variables.push_back(const_cast<char*>(e.c_str()));
    for (char** v = environ; *v != nullptr; ++v)
        variables.push_back(*v);
    variables.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ < 0) give_up(command[0] + " cannot be started", errno);
    if (pid_ == 0) become(arguments.data(), variables.data(), streams);
    descriptor_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    if (descriptor_ < 0) give_up("no descriptor of a process", errno);
}

Child::~Child() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    ::close(descriptor_);
}

std::optional<int> Child::wait(std::chrono::milliseconds most) {
    pollfd one{descriptor_, POLLIN, 0};
    const auto end = std::chrono::steady_clock::now() + most;
    int ready = 0;
    do {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        ready = ::poll(&one, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0) return std::nullopt;
    int status = 0;
    if (::waitpid(pid_, &status, 0) != pid_) give_up("waitpid", errno);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::uint64_t Child::peak_kib() const {
    char text[4096];
    const int fd = ::open(("/proc/" + std::to_string(pid_) + "/status").c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    const ssize_t size = ::read(fd, text, sizeof text - 1);
    ::close(fd);
    if (size <= 0) return 0;
    text[size] = '\0';
    // Until it is the program it is a copy of this process, and as large.
    std::array<char, 17> own{};
    ::prctl(PR_GET_NAME, own.data());
    const std::string copy = std::string{"Name:\t"} + own.data() + "\n";
    if (std::strncmp(text, copy.c_str(), copy.size()) == 0) return 0;
    const char* line = std::strstr(text, "VmHWM:");
    return line == nullptr ? 0 : std::strtoull(line + 6, nullptr, 10);
}

} // namespace fluxgate::nothing_lost
