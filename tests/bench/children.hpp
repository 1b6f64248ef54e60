// The processes of the in-process scenarios: the server on one core, each reading on the other.
#pragma once

#include "scenarios.hpp"

#include <functional>
#include <string>
#include <sys/types.h>

namespace fluxgate::bench {

constexpr unsigned client_core = 0, server_core = 1;

// Binds this process to one core. Where there is only one, or it is refused, the figures are only noisier.
void pin(unsigned core);

// bench_server as a process; `answer` as in answers.hpp, `answers` of them. Ends with the object.
class Server {
public:
    Server(const std::string& answer, std::uint32_t answers, bool gzip);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

struct Reading {
    Measured measured;
    long peak_kib = 0; // the largest the process ever was
};

// One reading in a process of its own. Throws when it failed.
Reading read_in_child(const std::function<Measured()>& read);

} // namespace fluxgate::bench
