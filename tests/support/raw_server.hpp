// A server for tests that says exactly the bytes it is told, in the pieces it is told: blocking POSIX sockets on 127.0.0.1, one
// thread, one connection after the other. Threads: every public member may be called from the test's thread.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace fluxgate::test {

// What the server does with one request.
struct Reply {
    enum class End {
        keep, // reads the next request of the connection
        fin,  // closes in order
        rst,  // closes with a reset
        hold  // says nothing more until the client or the server goes
    };
    std::vector<std::string> pieces; // each is one send
    End end = End::fin;
    bool gated = false; // each piece waits for RawServer::let_piece
};

// The bytes of a connection; TLS puts itself between.
class Wire {
public:
    virtual ~Wire() = default;
    virtual bool accept() { return true; }
    virtual ssize_t read(char* to, std::size_t size) = 0;
    virtual bool write(std::string_view bytes) = 0;
};

class PlainWire : public Wire {
public:
    explicit PlainWire(int fd) : fd_(fd) {}
    ssize_t read(char* to, std::size_t size) override { return ::recv(fd_, to, size, 0); }
    bool write(std::string_view bytes) override {
        while (!bytes.empty()) {
            const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }

private:
    int fd_;
};

class RawServer {
public:
    // `answer` is called on the server's thread with the request's bytes and the connection's number, from 1.
    using Answer = std::function<Reply(const std::string& request, int connection)>;
    using MakeWire = std::function<std::unique_ptr<Wire>(int fd)>;

    explicit RawServer(
        Answer answer, MakeWire make_wire = [](int fd) -> std::unique_ptr<Wire> { return std::make_unique<PlainWire>(fd); })
        : answer_(std::move(answer)), make_wire_(std::move(make_wire)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        if (listener_ < 0 || ::bind(listener_, generic, size) != 0 || ::listen(listener_, 16) != 0 || ::getsockname(listener_, generic, &size) != 0)
            throw std::runtime_error("the test server cannot listen on 127.0.0.1");
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }

    // The same reply to everything.
    explicit RawServer(Reply reply) : RawServer([reply](const std::string&, int) { return reply; }) {}

    ~RawServer() {
        {
            const std::lock_guard lock{mutex_};
            stopping_ = true;
            if (connection_ >= 0) ::shutdown(connection_, SHUT_RDWR);
        }
        changed_.notify_all();
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    RawServer(const RawServer&) = delete;
    RawServer& operator=(const RawServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] int connections() const { return connections_; }
    [[nodiscard]] std::vector<std::string> requests() const {
        const std::lock_guard lock{mutex_};
        return requests_;
    }

    // Gated replies: sends the next piece and returns when it is in the client's socket. False when there is none within ten seconds.
    bool let_piece() {
        std::unique_lock lock{mutex_};
        ++allowed_;
        changed_.notify_all();
        const int target = allowed_;
        return changed_.wait_for(lock, std::chrono::seconds{10}, [&] { return sent_ >= target || stopping_; }) && sent_ >= target;
    }

    // Waits until the server has closed `count` connections.
    bool wait_closed(int count) {
        std::unique_lock lock{mutex_};
        return changed_.wait_for(lock, std::chrono::seconds{10}, [&] { return closed_ >= count; });
    }

private:
    void serve() {
        for (;;) {
            pollfd waiting{listener_, POLLIN, 0};
            ::poll(&waiting, 1, -1); // the destructor's shutdown ends it
            if (stopping()) return;
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) continue;
            const int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            {
                const std::lock_guard lock{mutex_};
                connection_ = fd;
                if (stopping_) ::shutdown(fd, SHUT_RDWR);
            }
            const int number = ++connections_;
            converse(fd, number);
            {
                const std::lock_guard lock{mutex_};
                connection_ = -1;
                ++closed_;
            }
            ::close(fd);
            changed_.notify_all();
        }
    }

    void converse(int fd, int number) {
        const std::unique_ptr<Wire> wire = make_wire_(fd);
        if (!wire->accept()) return;
        for (;;) {
            std::string request;
            if (!read_request(*wire, request)) return;
            const Reply reply = answer_(request, number);
            {
                const std::lock_guard lock{mutex_};
                requests_.push_back(request);
            }
            for (const std::string& piece : reply.pieces) {
                if (reply.gated && !pass_gate()) return;
                if (!wire->write(piece)) return;
                const std::lock_guard lock{mutex_};
                if (reply.gated) ++sent_;
                changed_.notify_all();
            }
            if (reply.end == Reply::End::keep) continue;
            if (reply.end == Reply::End::hold) {
                char byte = 0;
                while (wire->read(&byte, 1) > 0) {
                }
            } else if (reply.end == Reply::End::rst) {
                const linger at_once{1, 0};
                ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            }
            return;
        }
    }

    static bool read_request(Wire& wire, std::string& request) {
        std::vector<char> buffer(64u << 10);
        std::size_t wanted = std::string::npos;
        while (request.size() < wanted) {
            const ssize_t n = wire.read(buffer.data(), buffer.size());
            if (n <= 0) return false;
            request.append(buffer.data(), static_cast<std::size_t>(n));
            const std::size_t end = request.find("\r\n\r\n");
            if (end == std::string::npos) continue;
            const std::size_t length = request.find("Content-Length: ");
            const std::size_t body = length < end ? std::strtoull(request.c_str() + length + 16, nullptr, 10) : 0;
            wanted = end + 4 + body;
        }
        return true;
    }

    bool pass_gate() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return allowed_ > passed_ || stopping_; });
        ++passed_;
        return !stopping_;
    }

    bool stopping() const {
        const std::lock_guard lock{mutex_};
        return stopping_;
    }

    Answer answer_;
    MakeWire make_wire_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::thread thread_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::atomic<int> connections_{0};
    std::vector<std::string> requests_;
    bool stopping_ = false;
    int connection_ = -1;
    int closed_ = 0;
    int allowed_ = 0, passed_ = 0, sent_ = 0;
};

} // namespace fluxgate::test
