// The server's bounds, over real sockets.
#include "observe/server.hpp"

#include "support/catch.hpp"
#include "support/plain_get.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::observe;
using test::get;
using test::PlainClient;
using test::say;

namespace {

std::unique_ptr<Server> start(const Server::Handler& handler, ServerLimits limits = {}) {
    auto made = Server::start(Listen{}, handler, limits);
    if (!made.ok()) FAIL(made.error().text());
    return std::move(*made);
}

Answer echo(const Request& request) {
    Answer out;
    out.body = request.method + " " + request.target + " " + request.host + (request.has_body ? " body" : "");
    out.headers.emplace_back("X-Mine", "yes");
    return out;
}

} // namespace

TEST_CASE("a request is handed on as it came, and the answer sent whole, once a connection") {
    const auto server = start(echo);
    const test::Got got = get(server->where().port, "/a?b=c");
    CHECK(got.status == 200);
    CHECK(got.body == "GET /a?b=c 127.0.0.1:" + std::to_string(server->where().port));
    CHECK(got.head.find("X-Mine: yes\r\n") != std::string::npos);
    CHECK(got.head.find("Connection: close\r\n") != std::string::npos);
    CHECK(got.head.find("Content-Length: " + std::to_string(got.body.size())) != std::string::npos);
}

TEST_CASE("HEAD gets the head of the same answer") {
    const auto server = start(echo);
    const test::Got got = say(server->where().port, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(got.status == 200);
    CHECK(got.head.find("Content-Length: 8\r\n") != std::string::npos);
    CHECK(got.body.empty());
}

TEST_CASE("what is no request, names two hosts or has an endless head is refused without asking the handler") {
    std::atomic<int> asked{0};
    const auto server = start([&asked](const Request& r) {
        ++asked;
        return echo(r);
    });
    const std::uint16_t port = server->where().port;
    CHECK(say(port, "hello\r\n\r\n").status == 400);
    CHECK(say(port, std::string("GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 33)).status == 400);
    CHECK(say(port, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").status == 400);
    CHECK(say(port, "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n").status == 431);
    CHECK(say(port, "GET /" + std::string(200'000, 'x') + " HTTP/1.1\r\n\r\n").status == 431);
    CHECK(asked == 0);
    CHECK(say(port, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc").body == "POST / a body");
    CHECK(asked == 1);
}

TEST_CASE("who does not say what he wants is left after a while, and the others are answered meanwhile") {
    ServerLimits limits;
    limits.request = std::chrono::milliseconds{150};
    const auto server = start(echo, limits);
    PlainClient silent{server->where().port}, slow{server->where().port};
    slow.send("GET / HTTP/1.1\r\nHost: ");
    CHECK(get(server->where().port, "/").status == 200);
    CHECK(silent.read_all(std::chrono::seconds{10}));
    CHECK(silent.got.empty());
    CHECK(slow.read_all(std::chrono::seconds{10}));
}

TEST_CASE("no more connections than the bound are served at once, and those that wait have their turn") {
    std::atomic<int> asked{0};
    ServerLimits limits;
    limits.connections = 2;
    limits.request = std::chrono::milliseconds{300};
    const auto server = start(
        [&asked](const Request& r) {
            ++asked;
            return echo(r);
        },
        limits);
    std::vector<std::unique_ptr<PlainClient>> idle;
    for (int i = 0; i < 2; ++i)
        idle.push_back(std::make_unique<PlainClient>(server->where().port));
    PlainClient waiting{server->where().port};
    waiting.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_FALSE(waiting.read_all(std::chrono::milliseconds{100}));
    CHECK(asked == 0);
    CHECK(waiting.read_all(std::chrono::seconds{10})); // the idle ones were left
    CHECK(waiting.got.rfind("HTTP/1.1 200", 0) == 0);
}

TEST_CASE("a handler that throws costs its own answer only") {
    const auto server = start([](const Request& request) -> Answer {
        if (request.target == "/bad") throw std::runtime_error("secret words");
        return echo(request);
    });
    const test::Got bad = get(server->where().port, "/bad");
    CHECK(bad.status == 500);
    CHECK(bad.body.find("secret") == std::string::npos);
    CHECK(get(server->where().port, "/").status == 200);
}

TEST_CASE("a port that is taken is an error that names it") {
    const auto first = start(echo);
    const auto second = Server::start(first->where(), echo);
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().code == Errc::configuration);
    CHECK(second.error().message.find(first->where().text()) != std::string::npos);
    CHECK(second.error().message.find("take another port") != std::string::npos);
}

TEST_CASE("the server goes at once although connections are open") {
    ServerLimits limits;
    limits.connections = 2;
    auto server = start(echo, limits);
    PlainClient one{server->where().port}, two{server->where().port}, three{server->where().port};
    CHECK_FALSE(one.read_all(std::chrono::milliseconds{50})); // all are accepted that can be
    const auto begin = std::chrono::steady_clock::now();
    server.reset();
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{2});
    CHECK(one.read_all(std::chrono::seconds{10}));
}
