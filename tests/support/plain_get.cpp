#include "plain_get.hpp"

#include <arpa/inet.h>
#include <cstdlib>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace fluxgate::test {

PlainClient::PlainClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return;
    ::close(fd_);
    throw std::runtime_error("nobody listens on port " + std::to_string(port));
}

PlainClient::~PlainClient() {
    ::close(fd_);
}

void PlainClient::send(const std::string& bytes) const {
    (void)::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

bool PlainClient::read_all(std::chrono::milliseconds most) {
    const auto until = std::chrono::steady_clock::now() + most;
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd waits{fd_, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&waits, 1, static_cast<int>(left.count())) <= 0) return false;
        char buffer[16384];
        const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
        if (n <= 0) return true;
        got.append(buffer, static_cast<std::size_t>(n));
    }
}

Got say(std::uint16_t port, const std::string& request) {
    PlainClient client{port};
    client.send(request);
    client.read_all(std::chrono::seconds{20});
    Got out;
    const std::size_t end = client.got.find("\r\n\r\n");
    if (end == std::string::npos || client.got.rfind("HTTP/1.1 ", 0) != 0) return out;
    out.status = std::atoi(client.got.c_str() + 9);
    out.head = client.got.substr(0, end + 2);
    out.body = client.got.substr(end + 4);
    return out;
}

Got get(std::uint16_t port, const std::string& target, const std::string& more) {
    return say(port, "GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n" + more + "\r\n");
}

} // namespace fluxgate::test
