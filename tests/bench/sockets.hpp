// The little that the benchmark's own servers need of sockets. Errors are exceptions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fluxgate::bench {

// Listens on 127.0.0.1; with 0 the system chooses the port.
class Listener {
public:
    explicit Listener(std::uint16_t port = 0);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] int accept() const;

private:
    int fd_ = -1;
    std::uint16_t port_ = 0;
};

// Closes what accept gave.
void close_socket(int fd);

// One request with its body; empty when the client has gone. `rest` keeps what was read beyond it.
std::string read_request(int fd, std::string& rest);

// Sends all of it; false when the client has gone.
bool send_all(int fd, std::string_view bytes);

} // namespace fluxgate::bench
