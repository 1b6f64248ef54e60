#include "http_support.hpp"

#include "support/catch.hpp"
#include "support/paths.hpp"

#include <zlib.h>

#include <fstream>
#include <iterator>

namespace fluxgate::test {

std::string gzip(std::string_view text, int level) {
    z_stream z{};
    REQUIRE(deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(deflateBound(&z, static_cast<uLong>(text.size())) + 64, '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    z.avail_in = static_cast<uInt>(text.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}

std::string chunked(std::string_view body, std::size_t size, bool last) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (std::size_t at = 0; at < body.size(); at += size) {
        const std::string_view chunk = body.substr(at, size);
        std::string length;
        for (std::size_t n = chunk.size(); n > 0; n /= 16)
            length.insert(length.begin(), digits[n % 16]);
        out += length + "\r\n";
        out += chunk;
        out += "\r\n";
    }
    return last ? out + "0\r\n\r\n" : out;
}

std::string read_recording(const std::string& name) {
    std::ifstream in{std::string{FLUXGATE_TEST_DATA} + "/recordings/" + name + ".response", std::ios::binary};
    INFO("recording " << name);
    REQUIRE(in.good());
    return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

std::int64_t real_clock() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

http::Deadlines generous() {
    return {std::chrono::seconds{10}, std::chrono::seconds{10}, std::chrono::seconds{10}};
}

http::Endpoint local(std::uint16_t port) {
    return {false, "127.0.0.1", port};
}

http::Request query() {
    return {"POST", "/some/path/api/v2/query?org=o", {{"Authorization", "Token t"}, {"Accept", "application/csv"}}, "{\"query\":\"q\"}"};
}

namespace {

Outcome outcome_of(http::Client& client, const Collector& sink, http::Event last, int heads) {
    Outcome out;
    out.last = last;
    out.heads = heads;
    out.body = sink.text;
    out.complete = last == http::Event::finished && client.complete();
    out.reason = last == http::Event::finished ? client.incomplete_reason() : client.error().message;
    return out;
}

bool over(http::Event event) {
    return event == http::Event::finished || event == http::Event::failed;
}

} // namespace

Outcome finish(http::Client& client, Collector& sink) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    int heads = 0;
    http::Event event = http::Event::nothing;
    while (!over(event) && std::chrono::steady_clock::now() < until) {
        event = client.run(std::chrono::seconds{1});
        if (event == http::Event::head) ++heads;
    }
    return outcome_of(client, sink, event, heads);
}

Outcome exchange(http::Client& client) {
    Collector sink;
    client.start(query(), sink);
    return finish(client, sink);
}

Outcome finish_gated(http::Client& client, Collector& sink, RawServer& server, std::size_t pieces) {
    int heads = 0;
    http::Event event = http::Event::nothing;
    // The request must be out before the server can say anything.
    while (server.connections() == 0 || server.requests().empty()) {
        event = client.run(std::chrono::milliseconds{1});
        REQUIRE(event == http::Event::nothing);
    }
    for (std::size_t i = 0; i < pieces && !over(event); ++i) {
        REQUIRE(server.let_piece());
        do {
            event = client.run(std::chrono::nanoseconds{0});
            if (event == http::Event::head) ++heads;
        } while (event != http::Event::nothing && !over(event));
    }
    if (!over(event)) {
        Outcome rest = finish(client, sink);
        rest.heads += heads;
        return rest;
    }
    return outcome_of(client, sink, event, heads);
}

} // namespace fluxgate::test
