#include "terminal.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fluxgate::test {

namespace {

void obey(Shown& shown) {
    std::string line;
    std::size_t column = 0;
    const std::string& bytes = shown.bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (bytes.compare(i, 3, "\x1b[K") == 0) {
            line.resize(column);
            ++shown.redrawn;
            i += 2;
        } else if (bytes[i] == '\r') {
            column = 0;
        } else if (bytes[i] == '\n') {
            shown.lines.push_back(line);
            line.clear();
            column = 0;
        } else {
            if (column < line.size())
                line[column] = bytes[i];
            else
                line += bytes[i];
            ++column;
            if (line.find("rows/s") != std::string::npos) shown.widest = std::max(shown.widest, column);
        }
    }
    if (!line.empty()) shown.lines.push_back(line);
}

} // namespace

Shown run_on_terminal(const std::vector<std::string>& command, unsigned short columns, bool output_too, std::chrono::seconds most) {
    Shown out;
    winsize size{24, columns, 0, 0};
    int master = -1, slave = -1;
    if (openpty(&master, &slave, nullptr, nullptr, &size) != 0) return out;
    const int pid = fork();
    if (pid == 0) {
        const int nowhere = open("/dev/null", O_RDWR);
        dup2(nowhere, 0);
        dup2(output_too ? slave : nowhere, 1);
        dup2(slave, 2);
        close(master);
        setenv("TERM", "xterm", 1);
        std::vector<char*> arguments;
        for (const std::string& argument : command)
            arguments.push_back(const_cast<char*>(argument.c_str()));
        arguments.push_back(nullptr);
        execv(arguments[0], arguments.data());
        _exit(127);
    }
    close(slave);
    const auto until = std::chrono::steady_clock::now() + most;
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd waits{master, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&waits, 1, static_cast<int>(left.count())) <= 0) {
            kill(pid, SIGKILL);
            break;
        }
        char buffer[4096];
        const ssize_t got = read(master, buffer, sizeof buffer);
        if (got <= 0) break; // EIO: nobody has the other end any more
        out.bytes.append(buffer, static_cast<std::size_t>(got));
    }
    int status = 0;
    waitpid(pid, &status, 0);
    close(master);
    out.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    obey(out);
    return out;
}

} // namespace fluxgate::test
