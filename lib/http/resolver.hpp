// Name resolution that nobody has to wait for: a process-wide pool of detached threads around getaddrinfo, never
// destroyed. A caller that loses interest closes its Mailbox and goes; the answer is then dropped when it comes.
#pragma once

#include "fluxgate/error.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace fluxgate::http {

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;

    [[nodiscard]] std::string text() const; // "127.0.0.1", "::1"
};

using Resolution = Result<std::vector<Address>>; // never an empty list

// Where an answer lands. Outlives the one who asked. Threads: all members may be called from any thread.
class Mailbox {
public:
    // `notify` is called once, on a resolver thread, when the answer is there; never after close().
    explicit Mailbox(std::function<void()> notify) : notify_(std::move(notify)) {}

    void close();
    [[nodiscard]] bool closed() const;
    void deliver(Resolution answer);
    [[nodiscard]] std::optional<Resolution> take();

private:
    mutable std::mutex mutex_;
    std::function<void()> notify_;
    bool closed_ = false;
    std::optional<Resolution> answer_;
};

// The addresses of a numeric host ("10.0.0.1", "::1", "fe80::1%eth0"), without a thread or a look-up; nothing when the host is a name.
[[nodiscard]] std::optional<std::vector<Address>> numeric_addresses(const std::string& host, std::uint16_t port);

// Asks the system's resolver on one of at most four threads. IPv6 and IPv4, in the order of getaddrinfo (RFC 6724).
void resolve(const std::string& host, std::uint16_t port, std::shared_ptr<Mailbox> mailbox);

} // namespace fluxgate::http
