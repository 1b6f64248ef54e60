// What is timed: the same answer, read in three ways.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace fluxgate::bench {

// What a way of reading did with one answer.
struct Measured {
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;    // of body read
    std::uint64_t checksum = 0; // over the payloads, independent of their order; 0 when it was not asked for
    double seconds = 0;         // from the request to the last byte dealt with
    double cpu_seconds = 0;     // of this process, in that time
};

// The query that every scenario sends.
struct Target {
    std::uint16_t port = 0;
    std::string token = "sample-token";
    bool gzip = false;
};

// A Beast client that reads the answer and hands its body's bytes to `sink`. The floor's sink does nothing.
std::uint64_t read_with_beast(const Target& target, const std::function<void(std::string_view)>& sink);

Measured floor(const Target& target);

// The whole source: the plugin through its C ABI, a key partition on a tag column, eight partitions. With `verify` the
// payloads are summed up too.
Measured source(const Target& target, bool verify);

// The same in one window of incremental reading, with rowId; `more`: further members of `incremental`, and of the document behind
// its closing brace.
Measured windowed(const Target& target, bool verify, std::string_view more = "}");

// What one would write first: split into lines and fields, RapidJSON's Writer, no jq.
Measured plain(const Target& target, bool verify);

} // namespace fluxgate::bench
