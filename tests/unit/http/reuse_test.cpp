// Connections that are used again, lost, half closed, or one of several.
#include "http/client.hpp"

#include "http_support.hpp"
#include "support/catch.hpp"
#include "tls_support.hpp"

#include <atomic>
#include <optional>
#include <string>

using namespace fluxgate;
using namespace fluxgate::test;
using http::Client;
using http::Event;

namespace {

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

std::string packed_ok() {
    const std::string body = gzip("ok");
    return "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, 7);
}

// Takes the first request of its connection whole; of every later one the first bytes only, and resets.
class ResettingWire : public PlainWire {
public:
    ResettingWire(int fd, bool resets, bool answered = false) : PlainWire(fd), fd_(fd), resets_(resets), answered_(answered) {}
    ssize_t read(char* to, std::size_t size) override {
        const ssize_t n = PlainWire::read(to, answered_ && resets_ ? std::min<std::size_t>(size, 16) : size);
        if (!answered_ || !resets_) return n;
        const linger at_once{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        return 0; // what was not read makes the close a reset in any case
    }
    bool write(std::string_view bytes) override {
        answered_ = true;
        return PlainWire::write(bytes);
    }

private:
    int fd_;
    bool resets_;
    bool answered_;
};

// Says what it has to say as soon as the connection stands, and takes nothing of what is said to it.
class EarlyWire : public PlainWire {
public:
    // `taken`: the client has the answer; only then the connection ends, as its close stands behind what nobody reads.
    EarlyWire(int fd, std::string answer, std::atomic<bool>& taken) : PlainWire(fd), answer_(std::move(answer)), taken_(taken) {}
    bool accept() override {
        write(answer_);
        while (!taken_)
            std::this_thread::yield();
        return false;
    }

private:
    std::string answer_;
    std::atomic<bool>& taken_;
};

// One connection over IPv6, one answer. Not open when this machine has no IPv6.
class SixServer {
public:
    explicit SixServer(const std::string& answer) : listener_(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_addr = in6addr_loopback;
        socklen_t size = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        if (listener_ < 0 || ::bind(listener_, generic, size) != 0 || ::listen(listener_, 4) != 0 || ::getsockname(listener_, generic, &size) != 0)
            return;
        port_ = ntohs(address.sin6_port);
        thread_ = std::thread([this, answer] {
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) return;
            PlainWire wire{fd};
            char piece[4096];
            while (request_.find("\r\n\r\n{") == std::string::npos) {
                const ssize_t n = wire.read(piece, sizeof piece);
                if (n <= 0) break;
                request_.append(piece, static_cast<std::size_t>(n));
            }
            wire.write(answer);
            ::close(fd);
        });
    }
    ~SixServer() {
        request();
        if (listener_ >= 0) ::close(listener_);
    }
    SixServer(const SixServer&) = delete;
    SixServer& operator=(const SixServer&) = delete;
    [[nodiscard]] std::uint16_t port() const { return port_; } // 0: not open
    const std::string& request() {
        ::shutdown(listener_, SHUT_RDWR);
        if (thread_.joinable()) thread_.join();
        return request_;
    }

private:
    int listener_;
    std::uint16_t port_ = 0;
    std::string request_;
    std::thread thread_;
};

http::Request large_query() {
    http::Request request = query();
    request.body = std::string(32u << 20, 'q'); // more than any socket buffer
    return request;
}

// Closes its writing side with the last byte of each answer.
class HalfClosingWire : public PlainWire {
public:
    explicit HalfClosingWire(int fd) : PlainWire(fd), fd_(fd) {}
    bool write(std::string_view bytes) override {
        const bool written = PlainWire::write(bytes);
        ::shutdown(fd_, SHUT_WR);
        return written;
    }

private:
    int fd_;
};

} // namespace

TEST_CASE("a reused connection that is reset while the request is sent is replaced at once; gzip too") {
    for (const std::string& answer : {kOk, packed_ok()}) {
        std::atomic<int> made{0};
        RawServer server{[&](const std::string&, int) {
                             return Reply{{answer}, Reply::End::keep};
                         },
                         [&](int fd) -> std::unique_ptr<Wire> { return std::make_unique<ResettingWire>(fd, ++made == 1); }};
        Client client{local(server.port()), {}, generous(), {}, real_clock};
        CHECK(exchange(client).complete);
        Collector sink;
        client.start(large_query(), sink);
        const Outcome got = finish(client, sink);
        INFO(got.reason);
        CHECK(got.complete);
        CHECK(got.body == "ok");
        CHECK(server.connections() == 2);
        CHECK(!client.connection().reused);
    }
}

TEST_CASE("a reset while the request is sent on a new connection is a failure that may be tried again") {
    RawServer server{[](const std::string&, int) { return Reply{}; },
                     [](int fd) -> std::unique_ptr<Wire> { return std::make_unique<ResettingWire>(fd, true, true); }};
    Client client{local(server.port()), {}, generous(), {}, real_clock};
    Collector sink;
    client.start(large_query(), sink);
    CHECK(finish(client, sink).last == Event::failed);
    CHECK(client.error().code == Errc::connect);
    CHECK(client.error().retryable);
}

TEST_CASE("a reused connection that breaks after the first byte of an answer is the server's failure, not replaced") {
    RawServer server{[](const std::string& request, int) {
        return has(request, "again") ? Reply{{"HTTP/1.1 2"}, Reply::End::fin} : Reply{{kOk}, Reply::End::keep};
    }};
    Client client{local(server.port()), {}, generous(), {}, real_clock};
    CHECK(exchange(client).complete);
    Collector sink;
    http::Request request = query();
    request.headers.emplace_back("X", "again");
    client.start(request, sink);
    CHECK(finish(client, sink).last == Event::failed);
    CHECK(client.error().code == Errc::incomplete);
    CHECK(server.connections() == 1);
}

TEST_CASE("TLS: a kept connection that the server closed, or resets on the next request, is replaced at once") {
    const Authority ca{"Test CA"};
    const TempFile ca_file{ca.pem()};
    http::TlsOptions tls;
    tls.ca_file = ca_file.path();
    TlsContext context{{ca.issue({"DNS:localhost"})}};
    for (const bool rested : {true, false}) {
        std::atomic<int> requests{0};
        RawServer server{[&](const std::string&, int) {
                             if (!rested && ++requests == 2) return Reply{{}, Reply::End::rst};
                             return Reply{{packed_ok()}, rested ? Reply::End::fin : Reply::End::keep};
                         },
                         context.wires()};
        Client client{{true, "localhost", server.port()}, tls, generous(), {}, real_clock};
        CHECK(exchange(client).complete);
        if (rested) REQUIRE(server.wait_closed(1));
        const Outcome got = exchange(client);
        INFO(got.reason);
        CHECK(got.complete);
        CHECK(server.connections() == 2);
    }
}

TEST_CASE("bytes behind a whole answer end the connection's use: they are never taken for the next answer") {
    const std::string evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    RawServer server{[&](const std::string&, int connection) {
        return connection == 1 ? Reply{{kOk + evil}, Reply::End::keep} : Reply{{kOk}, Reply::End::keep};
    }};
    Client client{local(server.port()), {}, generous(), {}, real_clock};
    CHECK(exchange(client).body == "ok");
    CHECK(exchange(client).body == "ok");
    CHECK(server.connections() == 2);
}

TEST_CASE("bytes that come unasked while a connection rests end its use, in plain and in TLS") {
    const Authority ca{"Test CA"};
    const TempFile ca_file{ca.pem()};
    http::TlsOptions tls;
    tls.ca_file = ca_file.path();
    TlsContext context{{ca.issue({"DNS:localhost"})}};
    for (const bool https : {false, true}) {
        const RawServer::Answer answer = [](const std::string&, int connection) {
            if (connection == 1) return Reply{{kOk, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"}, Reply::End::keep, true};
            return Reply{{kOk}, Reply::End::keep};
        };
        RawServer server = https ? RawServer{answer, context.wires()} : RawServer{answer};
        Client client{{https, "localhost", server.port()}, tls, generous(), {}, real_clock};
        Collector sink;
        client.start(query(), sink);
        CHECK(finish_gated(client, sink, server, 1).complete);
        REQUIRE(server.let_piece());
        const Outcome got = exchange(client);
        INFO((https ? "TLS " : "plain ") << got.reason);
        CHECK(got.body == "ok");
        CHECK(server.connections() == 2);
    }
}

TEST_CASE("a server that closes its side behind a whole answer answered completely; the next exchange has a new connection") {
    RawServer server{[](const std::string&, int) {
                         return Reply{{kOk}, Reply::End::hold};
                     },
                     [](int fd) -> std::unique_ptr<Wire> { return std::make_unique<HalfClosingWire>(fd); }};
    Client client{local(server.port()), {}, generous(), {}, real_clock};
    CHECK(exchange(client).complete);
    CHECK(exchange(client).complete);
    CHECK(server.connections() == 2);
}

TEST_CASE("a server that closes its side in the middle of the body is incomplete, though it still listens") {
    RawServer server{[](const std::string&, int) {
                         return Reply{{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nrow"}, Reply::End::hold};
                     },
                     [](int fd) -> std::unique_ptr<Wire> { return std::make_unique<HalfClosingWire>(fd); }};
    Client client{local(server.port()), {}, generous(), {}, real_clock};
    CHECK(exchange(client).last == Event::failed);
    CHECK(client.error().code == Errc::incomplete);
}

TEST_CASE("several addresses: the first refuses, the second answers; when all refuse, each is named") {
    RawServer server{Reply{{kOk}}};
    http::Route route;
    route.addresses = {"127.0.0.7", "::1", "127.0.0.1"}; // the server listens on the last alone
    Client client{{false, "influx.example", server.port()}, {}, generous(), {}, real_clock, route};
    const Outcome got = exchange(client);
    INFO(got.reason);
    CHECK(got.complete);
    CHECK(client.connection().addresses == route.addresses);
    CHECK(client.connection().peer == "127.0.0.1:" + std::to_string(server.port()));
    CHECK(has(server.requests().at(0), "Host: influx.example:"));

    route.addresses = {"127.0.0.7", "127.0.0.8"};
    Client nobody{{false, "influx.example", server.port()}, {}, generous(), {}, real_clock, route};
    CHECK(exchange(nobody).last == Event::failed);
    CHECK(nobody.error().code == Errc::connect);
    CHECK(has(nobody.error().message, "127.0.0.7: Connection refused; 127.0.0.8: Connection refused"));
}

TEST_CASE("an IPv6 server is reached by its address, which stands in brackets in Host and in errors") {
    SixServer server{kOk};
    if (server.port() == 0) {
        WARN("this machine has no IPv6 loopback: only the texts are checked");
    } else {
        Client client{{false, "::1", server.port()}, {}, generous(), {}, real_clock};
        const Outcome got = exchange(client);
        INFO(got.reason);
        CHECK(got.complete);
        CHECK(client.connection().peer == "[::1]:" + std::to_string(server.port()));
        CHECK(has(server.request(), "Host: [::1]:" + std::to_string(server.port()) + "\r\n"));
    }
    Client nobody{{false, "::1", 1}, {}, generous(), {}, real_clock};
    CHECK(exchange(nobody).last == Event::failed);
    CHECK(has(nobody.error().message, "[::1]:1"));
}

TEST_CASE("an answer that comes before the request was read is taken, and the connection is not used again") {
    for (const std::string& answer : {std::string{"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"}, kOk}) {
        std::atomic<bool> taken{false};
        RawServer server{[](const std::string&, int) { return Reply{}; },
                         [&](int fd) -> std::unique_ptr<Wire> { return std::make_unique<EarlyWire>(fd, answer, taken); }};
        Client client{local(server.port()), {}, generous(), {}, real_clock};
        Collector sink;
        client.start(large_query(), sink);
        const Outcome got = finish(client, sink);
        INFO(got.reason);
        taken = true;
        CHECK(got.last == Event::finished);
        CHECK(client.complete());
        CHECK(client.head().status == (answer == kOk ? 200 : 413));
        CHECK(exchange(client).last == Event::finished);
        CHECK(server.connections() == 2);
    }
}
