#include "children.hpp"
#include "support/paths.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sched.h>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace fluxgate::bench {

void pin(unsigned core) {
    if (std::thread::hardware_concurrency() < 2) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof set, &set);
}

Server::Server(const std::string& answer, std::uint32_t answers, bool gzip) {
    char name[] = "/tmp/fluxgate-bench-XXXXXX";
    const int fd = mkstemp(name);
    if (fd < 0) throw std::runtime_error("no temporary file can be made");
    close(fd);
    std::remove(name);
    const std::string port_file = name;
    const std::string program = FLUXGATE_BINARY_DIR "/bench/bench_server";
    std::fflush(stdout); // or the child would print it once more
    pid_ = fork();
    if (pid_ == 0) {
        pin(server_core);
        execl(program.c_str(), program.c_str(), answer.c_str(), "--answers", std::to_string(answers).c_str(), "--port-file", port_file.c_str(),
              gzip ? "--gzip" : nullptr, nullptr);
        _exit(127);
    }
    for (int i = 0; i < 2400 && port_ == 0 && waitpid(pid_, nullptr, WNOHANG) == 0; ++i) {
        std::ifstream{port_file} >> port_;
        if (port_ == 0) std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
    std::remove(port_file.c_str());
    if (port_ == 0) throw std::runtime_error("the benchmark's server did not start");
}

Server::~Server() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
}

Reading read_in_child(const std::function<Measured()>& read) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("pipe");
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        pin(client_core);
        try {
            const Measured m = read();
            _exit(write(ends[1], &m, sizeof m) == sizeof m ? 0 : 1);
        } catch (const std::exception& error) {
            std::cerr << error.what() << "\n";
            _exit(1);
        }
    }
    close(ends[1]);
    Reading reading;
    const bool whole = ::read(ends[0], &reading.measured, sizeof reading.measured) == sizeof reading.measured;
    close(ends[0]);
    int status = 0;
    rusage usage{};
    wait4(child, &status, 0, &usage);
    if (!whole || status != 0) throw std::runtime_error("a reading failed");
    reading.peak_kib = usage.ru_maxrss;
    return reading;
}

} // namespace fluxgate::bench
