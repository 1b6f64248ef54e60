// What the tests of the HTTP client share.
#pragma once

#include "http/client.hpp"
#include "support/raw_server.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::test {

// zlib's gzip of `text`: an implementation that is not the one under test.
std::string gzip(std::string_view text, int level = 6);

// HTTP chunk framing, `size` bytes a chunk.
std::string chunked(std::string_view body, std::size_t size, bool last = true);

std::string read_recording(const std::string& name); // "influxd-2.7/cpu-gzip"

struct Collector : http::BodySink {
    std::string text;
    std::size_t largest = 0;
    int calls = 0;
    void on_body(std::string_view bytes) override {
        text += bytes;
        largest = std::max(largest, bytes.size());
        ++calls;
    }
};

struct Outcome {
    http::Event last = http::Event::nothing;
    int heads = 0;
    std::string body;
    bool complete = false;
    std::string reason;
};

std::int64_t real_clock();
http::Deadlines generous();
http::Endpoint local(std::uint16_t port);
http::Request query();

// Runs an exchange to its end (at most ten seconds).
Outcome finish(http::Client& client, Collector& sink);
Outcome exchange(http::Client& client);

// Lets the server send piece after piece, each only after the one before was taken.
Outcome finish_gated(http::Client& client, Collector& sink, RawServer& server, std::size_t pieces);

} // namespace fluxgate::test
