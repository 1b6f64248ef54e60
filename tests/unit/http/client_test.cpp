#include "http/client.hpp"

#include "http_support.hpp"
#include "support/catch.hpp"

#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::test;
using http::Client;
using http::Event;

namespace {

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Type: text/csv; charset=utf-8\r\n";

std::string answer(std::string_view framing, std::string_view body) {
    return std::string{kOk} + std::string{framing} + "\r\n" + std::string{body};
}

struct Fetched {
    Outcome outcome;
    Error error;
    std::string error_body;
    int status = 0;
    std::uint64_t wire = 0, decoded = 0;
};

Fetched fetch(const Reply& reply, http::Limits limits = {}) {
    RawServer server{reply};
    Client client{local(server.port()), {}, generous(), limits, real_clock};
    Fetched out;
    out.outcome = exchange(client);
    out.error = client.error();
    out.error_body = client.error_body();
    out.status = client.head().status;
    out.wire = client.wire_bytes();
    out.decoded = client.body_bytes();
    CHECK(!client.active());
    return out;
}

Fetched fetch(const std::string& bytes, Reply::End end = Reply::End::fin) {
    return fetch(Reply{{bytes}, end});
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("the request is sent as given, with Host and Content-Length added") {
    RawServer server{Reply{{answer("Content-Length: 0\r\n", "")}}};
    Client client{local(server.port()), {}, generous(), {}, real_clock};
    CHECK(exchange(client).complete);
    REQUIRE(server.requests().size() == 1);
    CHECK(server.requests()[0] == "POST /some/path/api/v2/query?org=o HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                                      "\r\nAuthorization: Token t\r\nAccept: application/csv\r\nContent-Length: 13\r\n\r\n{\"query\":\"q\"}");
}

TEST_CASE("a header value with a line break is refused before a byte is sent, and its value is not told") {
    RawServer server{Reply{}};
    Client client{local(server.port()), {}, generous(), {}, real_clock};
    Collector sink;
    http::Request request = query();
    request.headers[0].second = "Token geheim\r\nX-Evil: 1";
    client.start(request, sink);
    CHECK(finish(client, sink).last == Event::failed);
    CHECK(client.error().code == Errc::invalid_argument);
    CHECK(has(client.error().message, "Authorization"));
    CHECK(!has(client.error().message, "geheim"));
    CHECK(server.connections() == 0);
}

TEST_CASE("a body with Content-Length and one in chunks are complete, and the head comes first") {
    for (const std::string& bytes :
         {answer("Content-Length: 11\r\n", "hello\r\nyou!"), answer("Transfer-Encoding: chunked\r\n", chunked("hello\r\nyou!", 3))}) {
        const Fetched got = fetch(bytes);
        CHECK(got.outcome.last == Event::finished);
        CHECK(got.outcome.heads == 1);
        CHECK(got.outcome.body == "hello\r\nyou!");
        CHECK(got.outcome.complete);
        CHECK(got.outcome.reason.empty());
        CHECK(got.status == 200);
        CHECK(got.wire == 11);
        CHECK(got.decoded == 11);
    }
}

TEST_CASE("every split of a small chunked gzip answer into two gives the same body") {
    const std::string text = "#datatype,string,long\r\n,,0,1\r\n,,0,2\r\n\r\n";
    const std::string bytes = answer("Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", chunked(gzip(text), 20));
    for (std::size_t split = 1; split < bytes.size(); ++split) {
        RawServer server{Reply{{bytes.substr(0, split), bytes.substr(split)}, Reply::End::fin, true}};
        Client client{local(server.port()), {}, generous(), {}, real_clock};
        Collector sink;
        client.start(query(), sink);
        const Outcome got = finish_gated(client, sink, server, 2);
        INFO("split " << split << " " << got.reason);
        CHECK(got.body == text);
        CHECK(got.complete);
        CHECK(got.heads == 1);
    }
}

TEST_CASE("single bytes, plain and gzip, give the same body") {
    const std::string text = "#datatype,string,long\r\n,,0,1\r\n\r\n";
    for (const std::string& bytes : {answer("Transfer-Encoding: chunked\r\n", chunked(text, 7)),
                                     answer("Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", chunked(gzip(text), 9))}) {
        std::vector<std::string> pieces;
        for (const char c : bytes)
            pieces.emplace_back(1, c);
        RawServer server{Reply{pieces, Reply::End::fin, true}};
        Client client{local(server.port()), {}, generous(), {}, real_clock};
        Collector sink;
        client.start(query(), sink);
        const Outcome got = finish_gated(client, sink, server, pieces.size());
        CHECK(got.body == text);
        CHECK(got.complete);
    }
}

TEST_CASE("recorded answers: gzip and chunks are undone as the server did them") {
    const Fetched plain = fetch(read_recording("influxd-2.7/bool-edges"));
    CHECK(plain.outcome.complete);
    CHECK(plain.outcome.body.size() == 598);
    const Fetched packed = fetch(read_recording("influxd-2.7/cpu-gzip"));
    CHECK(packed.outcome.complete);
    CHECK(packed.outcome.body.substr(0, 9) == "#datatype");
    CHECK(packed.decoded > 5 * packed.wire);
    const Fetched killed = fetch(read_recording("influxd-2.9-faults/killed-mid-response"));
    CHECK(killed.outcome.last == Event::failed);
    CHECK(killed.error.code == Errc::incomplete);
}

TEST_CASE("a body that ends by the connection's close is delivered but never complete") {
    const Fetched got = fetch(answer("", "rows\r\n\r\n"));
    CHECK(got.outcome.last == Event::finished);
    CHECK(got.outcome.body == "rows\r\n\r\n");
    CHECK(!got.outcome.complete);
    CHECK(has(got.outcome.reason, "closing the connection"));
}

TEST_CASE("a cut in the middle of a chunk, before the last chunk, or of a length is incomplete and says after how many bytes") {
    const std::string whole = chunked("0123456789", 10);
    for (const std::string& bytes : {answer("Transfer-Encoding: chunked\r\n", whole.substr(0, 8)),
                                     answer("Transfer-Encoding: chunked\r\n", whole.substr(0, 15)), answer("Content-Length: 20\r\n", "0123456789")}) {
        const Fetched got = fetch(bytes);
        CHECK(got.outcome.last == Event::failed);
        CHECK(got.error.code == Errc::incomplete);
        CHECK(got.error.retryable);
        CHECK(got.error.http_status == 200);
        CHECK(has(got.error.message, "after " + std::to_string(got.outcome.body.size()) + " body bytes"));
        CHECK(has(got.error.message, "127.0.0.1:"));
        CHECK(!has(got.error.message, "back-pressure"));
    }
    CHECK(has(fetch(answer("Content-Length: 20\r\n", "0123456789")).error.message, "after 10 body bytes of 20"));
}

TEST_CASE("a reset in the middle of an answer is incomplete") {
    RawServer server{Reply{{answer("Content-Length: 20\r\n", "0123456789"), "0"}, Reply::End::rst, true}};
    Client client{local(server.port()), {}, generous(), {}, real_clock};
    Collector sink;
    client.start(query(), sink);
    CHECK(finish_gated(client, sink, server, 2).last == Event::failed);
    CHECK(client.error().code == Errc::incomplete);
}

TEST_CASE("gzip without its trailer is finished but not complete") {
    const std::string packed = gzip("some rows\r\n\r\n");
    const Fetched got = fetch(answer("Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", chunked(packed.substr(0, packed.size() - 8), 10)));
    CHECK(got.outcome.last == Event::finished);
    CHECK(got.outcome.body == "some rows\r\n\r\n");
    CHECK(!got.outcome.complete);
    CHECK(has(got.outcome.reason, "trailer"));
}

TEST_CASE("gzip with a wrong trailer is finished but not complete") {
    std::string packed = gzip("some rows\r\n\r\n");
    packed[packed.size() - 6] = static_cast<char>(packed[packed.size() - 6] ^ 1);
    const Fetched got = fetch(answer("Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", chunked(packed, 10)));
    CHECK(got.outcome.last == Event::finished);
    CHECK(!got.outcome.complete);
    CHECK(has(got.outcome.reason, "does not match"));
}

TEST_CASE("what a crashing server writes behind the gzip data makes the answer incomplete and is shown") {
    const std::string packed = gzip("some rows\r\n\r\n");
    const Fetched got =
        fetch(answer("Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", chunked(packed + "{\"code\":\"internal error\"}", 16)));
    CHECK(got.outcome.last == Event::finished);
    CHECK(got.outcome.body == "some rows\r\n\r\n");
    CHECK(!got.outcome.complete);
    CHECK(has(got.outcome.reason, "25 bytes follow"));
    CHECK(has(got.outcome.reason, "internal error"));
}

TEST_CASE("gzip data followed by endless rubbish is not followed to its end") {
    const Fetched got =
        fetch(answer("Content-Encoding: gzip\r\nContent-Length: 4000000000\r\n", gzip("rows") + std::string(300'000, 'x')), Reply::End::hold);
    CHECK(got.outcome.last == Event::finished);
    CHECK(!got.outcome.complete);
}

TEST_CASE("several gzip members are one body") {
    const Fetched got = fetch(answer("Content-Encoding: x-gzip\r\nTransfer-Encoding: chunked\r\n", chunked(gzip("one ") + gzip("two"), 11)));
    CHECK(got.outcome.body == "one two");
    CHECK(got.outcome.complete);
}

TEST_CASE("damaged gzip data and an unknown content coding are no usable answers, and the coding is named") {
    CHECK(fetch(answer("Content-Encoding: gzip\r\nContent-Length: 15\r\n", "#datatype,long\r")).error.code == Errc::http);
    const Fetched got = fetch(answer("Content-Encoding: br\r\nContent-Length: 3\r\n", "abc"));
    CHECK(got.outcome.last == Event::failed);
    CHECK(got.error.code == Errc::http);
    CHECK(has(got.error.message, "'br'"));
}

TEST_CASE("a gzip answer that grows much reaches the sink in pieces, and control comes back at least every 16 MiB") {
    std::string text(50'000'000, 'x'); // with just enough of a change to stay below the bound of the ratio
    for (std::size_t i = 0; i < text.size(); i += 1000)
        text[i] = 'y';
    const std::string packed = gzip(text, 9);
    RawServer server{Reply{{answer("Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", chunked(packed, 100'000))}}};
    Client client{local(server.port()), {}, generous(), {}, real_clock};
    Collector sink;
    client.start(query(), sink);
    Event event = Event::nothing;
    std::size_t before = 0;
    std::size_t total = 0;
    while (event != Event::finished) {
        event = client.run(std::chrono::seconds{5});
        REQUIRE(event != Event::failed);
        REQUIRE(event != Event::nothing);
        CHECK(sink.text.size() - before <= (16u << 20) + (64u << 10));
        total += sink.text.size() - before;
        sink.text.clear();
        before = 0;
    }
    CHECK(total == 50'000'000);
    CHECK(client.complete());
    CHECK(sink.largest <= 64u << 10);
}

TEST_CASE("between two returns of run at most one read of 128 KiB is handed on") {
    const std::string body(3'000'000, 'r');
    RawServer server{Reply{{answer("Content-Length: 3000000\r\n", body)}}};
    Client client{local(server.port()), {}, generous(), {}, real_clock};
    Collector sink;
    client.start(query(), sink);
    Event event = Event::nothing;
    std::size_t before = 0;
    while (event != Event::finished) {
        event = client.run(std::chrono::seconds{5});
        REQUIRE(event != Event::failed);
        CHECK(sink.text.size() - before <= 128u << 10);
        CHECK((event == Event::body) == (sink.text.size() > before));
        before = sink.text.size();
    }
    CHECK(sink.text == body);
}

TEST_CASE("an answer that is not 2xx is finished with its text, decoded and bounded, and nothing reaches the sink") {
    const std::string json = "{\"code\":\"invalid\",\"message\":\"queue length exceeded\"}";
    Fetched got = fetch(read_recording("influxd-2.9-faults/queue-full"));
    CHECK(got.outcome.last == Event::finished);
    CHECK(got.status == 400);
    CHECK(got.outcome.body.empty());
    CHECK(has(got.error_body, "queue length exceeded"));
    CHECK(got.outcome.complete);

    got = fetch("HTTP/1.1 503 Service Unavailable\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(gzip(json), 8));
    CHECK(got.error_body == json);

    got = fetch("HTTP/1.1 502 Bad Gateway\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc");
    CHECK(got.outcome.last == Event::finished);
    CHECK(got.status == 502);
    CHECK(got.error_body.empty());

    http::Limits limits;
    limits.max_error_body = 100;
    got = fetch(Reply{{"HTTP/1.1 500 Oh\r\nContent-Length: 4000000000\r\n\r\n" + std::string(5000, 'e')}, Reply::End::hold}, limits);
    CHECK(got.outcome.last == Event::finished);
    CHECK(got.error_body == std::string(100, 'e'));
    CHECK(!got.outcome.complete);

    got = fetch("HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n");
    CHECK(got.outcome.last == Event::finished);
    CHECK(got.status == 302);

    got = fetch("HTTP/1.1 204 No Content\r\n\r\n");
    CHECK(got.status == 204);
    CHECK(got.outcome.complete);
}

TEST_CASE("what is not HTTP, too large or contradictory is refused in words") {
    CHECK(fetch("SSH-2.0-OpenSSH_9.2\r\n").error.code == Errc::http);
    std::string header = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
    for (int i = 0; i < 30; ++i)
        header += "X-Big: " + std::string(10'000, 'x') + "\r\n";
    const Fetched large = fetch(Reply{{header + "\r\n"}}, {200'000, 1000});
    CHECK(large.error.code == Errc::http);
    CHECK(has(large.error.message, "200000"));
    CHECK(fetch(Reply{{header}, Reply::End::hold}, {200'000, 1000}).error.code == Errc::http);
    const Fetched fits = fetch(Reply{{header + "\r\n"}}, {400'000, 1000});
    CHECK(fits.outcome.complete);
    const Fetched field = fetch("HTTP/1.1 200 OK\r\nX-Big: " + std::string(70'000, 'x') + "\r\n\r\n");
    CHECK(field.error.code == Errc::http);
    CHECK(has(field.error.message, "65535"));
    CHECK(fetch(answer("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")).error.code == Errc::http);
    CHECK(fetch(answer("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")).error.code == Errc::http);
    CHECK(fetch(answer("Content-Length: many\r\n", "")).error.code == Errc::http);
    CHECK(fetch(answer("Transfer-Encoding: chunked\r\n", "zz\r\nabc\r\n")).error.code == Errc::http);
    CHECK(fetch(answer("Transfer-Encoding: chunked\r\n", std::string(400'000, '1')), Reply::End::hold).error.code == Errc::http);
}

TEST_CASE("a connection that closes without an answer, or inside the header, says so") {
    const Fetched none = fetch(Reply{{}, Reply::End::fin});
    CHECK(none.error.code == Errc::connect);
    CHECK(has(none.error.message, "without an answer"));
    const Fetched half = fetch("HTTP/1.1 200 OK\r\nContent-Le");
    CHECK(half.error.code == Errc::incomplete);
}

TEST_CASE("nobody listening is a connect error that names host and port") {
    std::uint16_t port = 0;
    { port = RawServer{Reply{}}.port(); }
    Client client{local(port), {}, generous(), {}, real_clock};
    CHECK(exchange(client).last == Event::failed);
    CHECK(client.error().code == Errc::connect);
    CHECK(client.error().retryable);
    CHECK(has(client.error().message, "127.0.0.1:" + std::to_string(port)));
}

TEST_CASE("interim answers are passed over") {
    const Fetched got = fetch("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer("Content-Length: 2\r\n", "ok"));
    CHECK(got.outcome.body == "ok");
    CHECK(got.status == 200);
    CHECK(got.outcome.heads == 1);
}

TEST_CASE("a connection that was left whole is used again; one that says close, or whose answer was not complete, is not") {
    const std::string framed = answer("Content-Length: 2\r\n", "ok");
    RawServer server{[&](const std::string&, int) { return Reply{{framed}, Reply::End::keep}; }};
    Client client{local(server.port()), {}, generous(), {}, real_clock};
    for (int i = 0; i < 5; ++i)
        CHECK(exchange(client).complete);
    CHECK(server.connections() == 1);

    RawServer closing{[&](const std::string&, int) { return Reply{{answer("Connection: close\r\nContent-Length: 2\r\n", "ok")}, Reply::End::keep}; }};
    Client other{local(closing.port()), {}, generous(), {}, real_clock};
    for (int i = 0; i < 3; ++i)
        CHECK(exchange(other).complete);
    CHECK(closing.connections() == 3);
}

TEST_CASE("a kept connection that the server closed meanwhile is replaced at once, not a failure") {
    RawServer server{[&](const std::string&, int) { return Reply{{answer("Content-Length: 2\r\n", "ok")}, Reply::End::fin}; }};
    Client client{local(server.port()), {}, generous(), {}, real_clock};
    CHECK(exchange(client).complete);
    REQUIRE(server.wait_closed(1));
    CHECK(exchange(client).complete);
    CHECK(server.connections() == 2);
}

TEST_CASE("a kept connection that closes on the next request, before any byte of an answer, is replaced; on a new connection that is a failure") {
    int requests = 0;
    RawServer server{[&](const std::string&, int connection) {
        ++requests;
        if (connection == 1 && requests == 2) return Reply{{}, Reply::End::rst};
        if (connection == 3) return Reply{{}, Reply::End::fin};
        return Reply{{answer("Content-Length: 2\r\n", "ok")}, connection == 1 ? Reply::End::keep : Reply::End::fin};
    }};
    Client client{local(server.port()), {}, generous(), {}, real_clock};
    CHECK(exchange(client).complete);
    CHECK(exchange(client).complete);
    CHECK(server.connections() == 2);
    REQUIRE(server.wait_closed(2));
    CHECK(exchange(client).last == Event::failed);
    CHECK(client.error().code == Errc::connect);
}

TEST_CASE("abort ends an exchange; the next one starts on a new connection") {
    RawServer server{[&](const std::string&, int connection) {
        return connection == 1 ? Reply{{answer("Content-Length: 100\r\n", "part")}, Reply::End::hold}
                               : Reply{{answer("Content-Length: 2\r\n", "ok")}};
    }};
    Client client{local(server.port()), {}, generous(), {}, real_clock};
    Collector sink;
    client.start(query(), sink);
    while (sink.text.empty())
        REQUIRE(client.run(std::chrono::seconds{5}) != Event::failed);
    CHECK(client.active());
    client.abort();
    CHECK(!client.active());
    CHECK(exchange(client).body == "ok");
    CHECK(server.connections() == 2);
}

TEST_CASE("wake makes a waiting run, or else the next one, answer nothing; also when no exchange is under way") {
    RawServer server{Reply{{}, Reply::End::hold}};
    Client client{local(server.port()), {}, generous(), {}, real_clock};
    client.wake();
    CHECK(client.run(std::chrono::hours{1}) == Event::nothing);
    Collector sink;
    client.start(query(), sink);
    std::thread waker{[&] {
        while (server.requests().empty())
            std::this_thread::yield();
        client.wake();
    }};
    CHECK(client.run(std::chrono::hours{1}) == Event::nothing);
    waker.join();
    CHECK(client.active());
}

TEST_CASE("random splits of answers of random framing and coding always come out whole") {
    const char* const given = std::getenv("FLUXGATE_SEED");
    const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    INFO("FLUXGATE_SEED=" << seed);
    std::mt19937_64 random{seed};
    for (int round = 0; round < 40; ++round) {
        std::string text(random() % 300'000, '\0');
        for (char& c : text)
            c = static_cast<char>('a' + random() % 20);
        const bool packed = random() % 2 == 0;
        const std::string body = packed ? gzip(text) : text;
        const std::string coding = packed ? "Content-Encoding: gzip\r\n" : "";
        const std::string bytes = random() % 2 == 0 ? answer(coding + "Content-Length: " + std::to_string(body.size()) + "\r\n", body)
                                                    : answer(coding + "Transfer-Encoding: chunked\r\n", chunked(body, 1 + random() % 9000));
        std::vector<std::string> pieces;
        for (std::size_t at = 0; at < bytes.size();) {
            const std::size_t n = std::min<std::size_t>(bytes.size() - at, 1 + random() % 60'000);
            pieces.push_back(bytes.substr(at, n));
            at += n;
        }
        const Fetched got = fetch(Reply{pieces});
        REQUIRE(got.outcome.body == text);
        CHECK(got.outcome.complete);
        CHECK(got.wire == body.size());
    }
}
