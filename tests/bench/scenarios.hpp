// What is timed: the same answer, read in several ways.
#pragma once

#include "fluxgate/stage.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace fluxgate::bench {

// What a way of reading did with one answer.
struct Measured {
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;       // of the decoded body; from the source: of messages
    std::uint64_t checksum = 0;    // over the payloads, independent of their order; 0 when it was not asked for
    double seconds = 0;            // from the request to the last byte dealt with
    double cpu_seconds = 0;        // of this process, in that time
    std::uint64_t allocations = 0; // of this process, in that time; 0 unless count_allocations is preloaded
};

// The query that every scenario sends, and what the source makes of the answer.
struct Target {
    std::uint16_t port = 0;
    std::string token = "sample-token";
    bool gzip = false;
    unsigned partitions = 8;
    std::string expression = ".payload.host"; // the partition's key
    std::string incremental;                  // further members of `incremental`, and of the document behind its closing brace; empty: plain reading
    std::uint32_t windows = 1;                // of incremental reading
    std::uint32_t window_minutes = 5;         // a multiple of five
    std::string now;                          // of the query, of clients other than the source; empty: none
    std::uint32_t queries = 1;                // of the floor, one after the other on one connection
};

// The end of window number `index`, from 0.
std::string window_end(std::uint32_t index);

// Of this process from construction to stop().
class Watch {
public:
    Watch();
    void stop(Measured& into) const;

private:
    double wall_, cpu_;
    std::uint64_t allocations_;
};

// How much Beast reads at once. It fills the room its buffer has, at most 64 KiB; a buffer that nobody gave room has 512 bytes
// of it, for ever.
enum class Reads { large, as_it_comes };

// A Beast client that reads the answer and hands its body's bytes to `sink`.
std::uint64_t read_with_beast(const Target& target, const std::function<void(std::string_view)>& sink, Reads reads = Reads::large);

// The same with a sink that does nothing.
Measured floor(const Target& target, Reads reads);

// Clients that only inflate a compressed answer: Beast and zlib, Beast and ISA-L.
Measured inflate_zlib(const Target& target);
Measured inflate_isal(const Target& target);

// The whole source: the plugin through its C ABI. `on_batch` sees each batch before it is acknowledged; may be empty.
using OnBatch = std::function<void(const fg_batch&)>;
Measured source(const Target& target, const OnBatch& on_batch);

// Sums up payloads, so that answers can be compared whatever their order.
std::uint64_t payload_sum(const fg_batch& batch);

// What one would write first: split into lines and fields, RapidJSON's Writer, no jq. With `verify` the payloads are summed
// up too.
Measured plain(const Target& target, bool verify);

// libjq alone, as its own program would use it: target.expression on the messages of target's answer, at most `messages` of
// them, each parsed and evaluated until its outputs end. Reading them is not timed.
Measured libjq_alone(const Target& target, std::uint64_t messages);

} // namespace fluxgate::bench
