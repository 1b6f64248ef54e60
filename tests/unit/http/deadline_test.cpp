#include "http/client.hpp"

#include "http_support.hpp"
#include "support/catch.hpp"

#include <string>

using namespace fluxgate;
using namespace fluxgate::test;
using namespace std::chrono_literals;
using http::Client;
using http::Event;

namespace {

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// A clock that the test moves, and that may move by itself each time it is read.
struct FakeClock {
    std::int64_t now = 1'000'000;
    std::int64_t step = 0;
    http::Client::Clock clock() {
        return [this] { return now += step; };
    }
    void pass(std::chrono::nanoseconds time) { now += time.count(); }
};

const std::string kPartOfAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart";

void until_body(Client& client, Collector& sink) {
    while (sink.text.empty()) {
        const Event event = client.run(5s);
        REQUIRE(event != Event::failed);
        REQUIRE(event != Event::finished);
    }
}

} // namespace

TEST_CASE("firstByte: a server that does not begin to answer is a timeout that says which deadline and its value") {
    RawServer server{Reply{{}, Reply::End::hold}};
    Client client{local(server.port()), {}, {5s, 50ms, 5s}, {}, real_clock};
    CHECK(exchange(client).last == Event::failed);
    CHECK(client.error().code == Errc::timeout);
    CHECK(client.error().retryable);
    CHECK(has(client.error().message, "50ms (timeouts.firstByte)"));
    CHECK(has(client.error().message, "127.0.0.1:" + std::to_string(server.port())));
}

TEST_CASE("idle: silence in the middle of a body, and of a header") {
    RawServer body{Reply{{kPartOfAnswer}, Reply::End::hold}};
    Client client{local(body.port()), {}, {5s, 5s, 40ms}, {}, real_clock};
    const Outcome got = exchange(client);
    CHECK(got.last == Event::failed);
    CHECK(got.body == "part");
    CHECK(client.error().code == Errc::timeout);
    CHECK(has(client.error().message, "40ms (timeouts.idle)"));
    CHECK(has(client.error().message, "after 4 body bytes"));

    RawServer header{Reply{{"HTTP/1.1 200 OK\r\nConte"}, Reply::End::hold}};
    Client other{local(header.port()), {}, {5s, 5s, 40ms}, {}, real_clock};
    CHECK(exchange(other).last == Event::failed);
    CHECK(has(other.error().message, "(timeouts.idle)"));
}

TEST_CASE("connect: a handshake that does not end is a timeout of connect, which covers name, TCP and TLS") {
    RawServer server{Reply{{}, Reply::End::hold}}; // takes the hello for the beginning of a request
    http::TlsOptions tls;
    tls.insecure_skip_verify = true;
    Client client{{true, "127.0.0.1", server.port()}, tls, {50ms, 5s, 5s}, {}, real_clock};
    CHECK(exchange(client).last == Event::failed);
    CHECK(client.error().code == Errc::timeout);
    CHECK(has(client.error().message, "50ms (timeouts.connect)"));
    CHECK(has(client.error().message, "TLS handshake"));
}

TEST_CASE("deadlines are judged with the given clock: minutes pass at once when it says so") {
    RawServer server{Reply{{}, Reply::End::hold}};
    FakeClock time;
    Client client{local(server.port()), {}, {1h, 5min, 1min}, {}, time.clock()};
    Collector sink;
    client.start(query(), sink);
    while (server.requests().empty())
        REQUIRE(client.run(1ms) == Event::nothing);
    time.step = 10'000'000'000;
    Event event = Event::nothing;
    for (int i = 0; i < 100 && event == Event::nothing; ++i)
        event = client.run(1ms);
    CHECK(event == Event::failed);
    CHECK(has(client.error().message, "5m (timeouts.firstByte)"));
}

TEST_CASE("time outside run counts for no deadline") {
    RawServer server{Reply{{kPartOfAnswer, std::string(96, 'x')}, Reply::End::fin, true}};
    FakeClock time;
    Client client{local(server.port()), {}, {5s, 5s, 5s}, {}, time.clock()};
    Collector sink;
    client.start(query(), sink);
    time.pass(1h);
    while (server.requests().empty())
        REQUIRE(client.run(1ms) == Event::nothing);
    time.pass(1h);
    REQUIRE(client.run(0ns) == Event::nothing);
    REQUIRE(server.let_piece());
    until_body(client, sink);
    for (int i = 0; i < 10; ++i) {
        time.pass(1h);
        CHECK(client.run(0ns) == Event::nothing);
    }
    REQUIRE(server.let_piece());
    const Outcome got = finish(client, sink);
    INFO(got.reason);
    CHECK(got.complete);
}

TEST_CASE("data that is ready is taken before a deadline is judged, however late it is") {
    RawServer server{Reply{{kPartOfAnswer, std::string(96, 'x')}, Reply::End::fin, true}};
    FakeClock time;
    Client client{local(server.port()), {}, {1h, 1h, 5s}, {}, time.clock()};
    Collector sink;
    client.start(query(), sink);
    while (server.requests().empty())
        REQUIRE(client.run(1ms) == Event::nothing);
    REQUIRE(server.let_piece());
    until_body(client, sink);
    REQUIRE(server.let_piece());
    time.step = 3'600'000'000'000; // each look at the clock is an hour later
    CHECK(client.run(0ns) == Event::body);
    CHECK(client.run(0ns) == Event::finished);
    CHECK(client.complete());
}

TEST_CASE("a server that closed while the reader paused is told apart: closed during back-pressure") {
    for (const Reply::End end : {Reply::End::fin, Reply::End::rst}) {
        RawServer server{Reply{{kPartOfAnswer, "more"}, end, true}};
        FakeClock time;
        Client client{local(server.port()), {}, {5s, 5s, 5s}, {}, time.clock()};
        Collector sink;
        client.start(query(), sink);
        while (server.requests().empty())
            REQUIRE(client.run(1ms) == Event::nothing);
        REQUIRE(server.let_piece());
        until_body(client, sink);
        REQUIRE(server.let_piece());
        REQUIRE(server.wait_closed(1));
        time.pass(90s);
        CHECK(finish(client, sink).last == Event::failed);
        CHECK(client.error().code == Errc::incomplete);
        CHECK(has(client.error().message, "closed during back-pressure"));
        CHECK(has(client.error().message, "90s"));
        CHECK(has(client.error().details, "back-pressure"));
    }
}

TEST_CASE("a close that comes after the pause was made good is the server's") {
    RawServer server{Reply{{kPartOfAnswer, "more"}, Reply::End::fin, true}};
    FakeClock time;
    Client client{local(server.port()), {}, {5s, 5s, 5s}, {}, time.clock()};
    Collector sink;
    client.start(query(), sink);
    while (server.requests().empty())
        REQUIRE(client.run(1ms) == Event::nothing);
    REQUIRE(server.let_piece());
    until_body(client, sink);
    time.pass(90s);
    REQUIRE(client.run(0ns) == Event::nothing); // all is read, the connection stands
    REQUIRE(server.let_piece());
    CHECK(finish(client, sink).last == Event::failed);
    CHECK(!has(client.error().message, "back-pressure"));
}
