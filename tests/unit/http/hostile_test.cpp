// Answers as no honest server gives them, and as some honest ones do.
#include "http/client.hpp"

#include "http_support.hpp"
#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace fluxgate;
using namespace fluxgate::test;
using http::Client;
using http::Event;

namespace {

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\n";

std::string answer(std::string_view fields, std::string_view body) {
    return std::string{kOk} + std::string{fields} + "\r\n" + std::string{body};
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

struct Fetched {
    Outcome outcome;
    Error error;
    std::string error_body;
    http::Head head;
};

Fetched fetch_pieces(const std::vector<std::string>& pieces, const http::Limits& limits, Reply::End end = Reply::End::fin) {
    RawServer server{Reply{pieces, end}};
    Client client{local(server.port()), {}, generous(), limits, real_clock};
    Fetched out;
    out.outcome = exchange(client);
    out.error = client.error();
    out.error_body = client.error_body();
    out.head = client.head();
    return out;
}

Fetched fetch(const std::string& bytes, Reply::End end = Reply::End::fin, const http::Limits& limits = {}) {
    return fetch_pieces({bytes}, limits, end);
}

} // namespace

TEST_CASE("HTTP/1.0: with Content-Length complete, by close never complete, and the connection is not kept") {
    const Fetched counted = fetch("HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nrows");
    CHECK(counted.outcome.body == "rows");
    CHECK(counted.outcome.complete);
    const Fetched closed = fetch("HTTP/1.0 200 OK\r\n\r\nrows");
    CHECK(closed.outcome.last == Event::finished);
    CHECK(closed.outcome.body == "rows");
    CHECK(!closed.outcome.complete);

    RawServer server{[](const std::string&, int) { return Reply{{"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nrows"}, Reply::End::keep}; }};
    Client client{local(server.port()), {}, generous(), {}, real_clock};
    CHECK(exchange(client).complete);
    CHECK(exchange(client).complete);
    CHECK(server.connections() == 2);
}

TEST_CASE("a gzip answer that ends by close is not complete, though its trailer was right") {
    const Fetched got = fetch(answer("Content-Encoding: gzip\r\n", gzip("rows\r\n\r\n")));
    CHECK(got.outcome.body == "rows\r\n\r\n");
    CHECK(!got.outcome.complete);
    CHECK(has(got.outcome.reason, "closing the connection"));
}

TEST_CASE("a redirect is not followed, and its target is there to be shown") {
    for (const int status : {301, 302, 303, 307, 308}) {
        const Fetched got = fetch("HTTP/1.1 " + std::to_string(status) + " Moved\r\nLocation: https://other.example/x\r\nContent-Length: 0\r\n\r\n");
        CHECK(got.outcome.last == Event::finished);
        CHECK(got.head.status == status);
        CHECK(got.head.header("location") == "https://other.example/x");
        CHECK(got.outcome.body.empty());
    }
}

TEST_CASE("a header of too many fields is refused, and the bound is named") {
    std::string fields = "Content-Length: 0\r\n";
    for (int i = 1; i < 1000; ++i)
        fields += "X-" + std::to_string(i) + ": y\r\n";
    CHECK(fetch(answer(fields, "")).outcome.complete);
    const Fetched got = fetch(answer(fields + "X-One-More: y\r\n", ""));
    CHECK(got.outcome.last == Event::failed);
    CHECK(got.error.code == Errc::http);
    CHECK(has(got.error.message, "1001 fields; at most 1000"));
}

TEST_CASE("a header at its bound is taken and one beyond it refused, however they come") {
    http::Limits limits;
    limits.max_header_bytes = 3000;
    for (const std::size_t size : {2997u, 2998u, 2999u, 3000u, 3001u}) {
        std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: ";
        head += std::string(size - head.size() - 4, 'x') + "\r\n\r\n";
        for (const std::size_t piece : {1u, 7u, 1000u, 100000u}) {
            std::vector<std::string> pieces;
            const std::string all = head + "ab";
            for (std::size_t at = 0; at < all.size(); at += piece)
                pieces.push_back(all.substr(at, piece));
            const Fetched got = fetch_pieces(pieces, limits);
            INFO(size << " bytes in pieces of " << piece << ": " << got.error.message);
            CHECK(got.outcome.complete == (size <= 3000));
            if (size > 3000) CHECK(has(got.error.message, "larger than the 3000 bytes"));
        }
    }
}

TEST_CASE("chunk extensions and fields behind the last chunk are passed over") {
    const Fetched got = fetch(answer("Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n",
                                     "4;name=value;quoted=\"a b\"\r\nrows\r\n2\r\n\r\n\r\n0;last\r\nX-Sum: 12\r\n\r\n"));
    CHECK(got.outcome.body == "rows\r\n");
    CHECK(got.outcome.complete);
    CHECK(got.head.header("X-Sum").empty());
}

TEST_CASE("a field behind the last chunk that would frame the body anew is refused") {
    for (const char* field : {"Content-Length: 3", "Transfer-Encoding: gzip"}) {
        const Fetched got = fetch(answer("Transfer-Encoding: chunked\r\n", "4\r\nrows\r\n0\r\n" + std::string(field) + "\r\n\r\n"));
        INFO(field << got.error.message);
        CHECK(!got.outcome.complete);
        CHECK(got.error.code == Errc::http);
    }
}

TEST_CASE("a cut among the fields behind the last chunk is incomplete") {
    const Fetched got = fetch(answer("Transfer-Encoding: chunked\r\n", "4\r\nrows\r\n0\r\nX-Sum: 1"));
    CHECK(got.outcome.last == Event::failed);
    CHECK(got.error.code == Errc::incomplete);
}

TEST_CASE("chunk headers and trailers without end are refused, and the bound is named") {
    for (const std::string& body : {std::string("4;x=") + std::string(300'000, 'e'), "4\r\nrows\r\n0\r\nX: " + std::string(300'000, 't'),
                                    std::string(300'000, '0'), std::string("4") + std::string(300'000, ' ')}) {
        const Fetched got = fetch(answer("Transfer-Encoding: chunked\r\n", body), Reply::End::hold);
        INFO(body.substr(0, 20) << got.error.message);
        CHECK(got.outcome.last == Event::failed);
        CHECK(got.error.code == Errc::http);
    }
    CHECK(has(fetch(answer("Transfer-Encoding: chunked\r\n", "4;x=" + std::string(300'000, 'e')), Reply::End::hold).error.message, "131072 bytes"));
}

TEST_CASE("chunk sizes that overflow or are no number are refused") {
    for (const char* size : {"10000000000000000", "ffffffffffffffffff", "-1", "+4", "0x4", " 4", "g", "", "4 4", "4\rX"}) {
        const Fetched got = fetch(answer("Transfer-Encoding: chunked\r\n", std::string(size) + "\r\nrows\r\n0\r\n\r\n"));
        INFO("'" << size << "' " << got.error.message);
        CHECK(!got.outcome.complete);
        CHECK(got.outcome.last == Event::failed);
    }
}

TEST_CASE("a chunk that is longer than its size said is refused") {
    const Fetched got = fetch(answer("Transfer-Encoding: chunked\r\n", "3\r\nrows\r\n0\r\n\r\n"));
    CHECK(got.outcome.last == Event::failed);
    CHECK(got.error.code == Errc::http);
}

TEST_CASE("a Content-Length that is negative, too large, no number, empty, or given twice differently is refused") {
    for (const char* fields :
         {"Content-Length: -1\r\n", "Content-Length: 18446744073709551616\r\n", "Content-Length: +4\r\n", "Content-Length: 4x\r\n",
          "Content-Length: 0x4\r\n", "Content-Length: \r\n", "Content-Length: 4\r\nContent-Length: 5\r\n", "Content-Length: 4, 5\r\n"}) {
        const Fetched got = fetch(answer(fields, "rows"));
        INFO(fields << got.error.message);
        CHECK(got.outcome.last == Event::failed);
        CHECK(got.error.code == Errc::http);
        CHECK(has(got.error.message, "Content-Length"));
    }
}

TEST_CASE("Content-Length together with Transfer-Encoding is refused in either order: two readers could differ about the end") {
    CHECK(fetch(answer("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "4\r\nrows\r\n0\r\n\r\n")).error.code == Errc::http);
    CHECK(fetch(answer("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "4\r\nrows\r\n0\r\n\r\n")).error.code == Errc::http);
    CHECK(fetch(answer("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "4\r\nrows\r\n0\r\n\r\n")).outcome.last == Event::failed);
}

TEST_CASE("a Content-Length near the top of its range is only a promise: what comes short of it is incomplete") {
    const Fetched got = fetch(answer("Content-Length: 18446744073709551615\r\n", "rows"));
    CHECK(got.outcome.last == Event::failed);
    CHECK(got.error.code == Errc::incomplete);
    CHECK(got.outcome.body == "rows");
}

TEST_CASE("interim answers without end, or a switch of protocol, are no answer") {
    std::string many;
    for (int i = 0; i < 17; ++i)
        many += "HTTP/1.1 102 Processing\r\n\r\n";
    const Fetched endless = fetch(many + answer("Content-Length: 0\r\n", ""));
    CHECK(endless.error.code == Errc::http);
    CHECK(has(endless.error.message, "102"));
    CHECK(has(fetch("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n").error.message, "101"));
}

TEST_CASE("malformed header lines are refused") {
    for (const char* fields : {"Content-Length : 0\r\n", "No colon\r\n", ": empty\r\n", "X: a\rb\r\n", "X\x01: y\r\n"}) {
        const Fetched got = fetch(answer(fields, ""));
        INFO(fields << got.error.message);
        CHECK(got.outcome.last == Event::failed);
        CHECK(!got.outcome.complete);
    }
}

TEST_CASE("a gzip bomb is stopped by the bound of the ratio, which the error names") {
    const std::string bomb = gzip(std::string(60'000'000, 'x'), 9);
    REQUIRE(60'000'000 / bomb.size() > 1000);
    const Fetched got = fetch(answer("Content-Encoding: gzip\r\nContent-Length: " + std::to_string(bomb.size()) + "\r\n", bomb));
    INFO(got.error.message);
    CHECK(got.outcome.last == Event::failed);
    CHECK(got.error.code == Errc::limit);
    CHECK(has(got.error.message, "more than 1000 times"));
    CHECK(has(got.error.message, "limits.maxDecompressionRatio"));
    CHECK(got.outcome.body.size() < 34u << 20); // what was free, and one turn more

    // The same ratio is free as long as little comes of it.
    const std::string small = gzip(std::string(10'000'000, 'x'), 9);
    CHECK(fetch(answer("Content-Encoding: gzip\r\nContent-Length: " + std::to_string(small.size()) + "\r\n", small)).outcome.complete);
    http::Limits strict;
    strict.max_decompression_ratio = 10;
    strict.free_decoded_bytes = 1000;
    const std::string rows = gzip(std::string(100'000, 'x'));
    const Fetched bounded = fetch(answer("Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", chunked(rows, 20)), Reply::End::fin, strict);
    CHECK(bounded.error.code == Errc::limit);
}

TEST_CASE("a gzip bomb as an error's text is cut at the bound of error texts") {
    const std::string bomb = gzip(std::string(60'000'000, 'x'), 9);
    const Fetched got =
        fetch("HTTP/1.1 500 Oh\r\nContent-Encoding: gzip\r\nContent-Length: " + std::to_string(bomb.size()) + "\r\n\r\n" + bomb, Reply::End::hold);
    CHECK(got.outcome.last == Event::finished);
    CHECK(got.error_body.size() == 64u << 10);
}

TEST_CASE("an error's text that is cut is incomplete, and its status still told") {
    const Fetched got = fetch("HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nover");
    CHECK(got.outcome.last == Event::failed);
    CHECK(got.error.http_status == 503);
    const Fetched closed = fetch("HTTP/1.1 503 Busy\r\n\r\nover");
    CHECK(closed.outcome.last == Event::finished);
    CHECK(closed.error_body == "over");
}
