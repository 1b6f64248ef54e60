// What is run and what is drawn for it: the fixed part of a scenario, and the settings of one of its rounds.
#pragma once

#include "account.hpp"
#include "trouble.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace fluxgate::nothing_lost {

enum class Sink : std::uint8_t { lines, arrays, pipe }; // output/file@v1 in two formats, output/stdout@v1

struct Scenario {
    std::string name;
    Sink sink = Sink::lines;
    bool verified = false;
    std::uint32_t concurrency = 1;
    bool gzip = false;
    bool lookback = false;    // and late rows
    bool slow_reader = false; // large answers, small queues, a reader that stops for long
    bool read = false;        // the stage writes the query; aligned windows, split by measurement where they cannot be cut
    std::uint32_t share = 10; // of the kills, in parts
};

const std::vector<Scenario>& scenarios();

// This program was built with a sanitizer: everything takes longer and needs more memory.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
inline constexpr int patience = sanitized ? 4 : 1;

// Times in milliseconds.
struct Settings {
    Edges range;
    Instant window = 0, lookback = 0, align = 0;
    std::string query;         // with v.timeRangeStart and v.timeRangeStop; with `read` what it comes to
    std::uint32_t kills = 0;   // at most; then the round goes on to its end undisturbed
    std::uint32_t file_ms = 0; // output/file@v1: batch.time
    std::uint32_t life_ms = 0; // a random kill comes within so much
    std::uint32_t pipe_bytes = 0;
    TroubleOptions trouble;
};

// `now`: the machine's clock.
Settings draw_settings(const Scenario& scenario, Random& random, std::uint32_t most_kills, Instant now);

// The pipeline's document; what is delivered goes below `output`.
std::string document(const Scenario& scenario, const Settings& settings, std::uint16_t port, const std::string& output);

// What the server answers for this stretch, as messages must carry it, from its own account.
std::vector<Row> expected_rows(const Settings& settings, const Edges& range, const sample::Written& written);

// The peak memory that the program may need, in KiB: what it needs without rows (14 MiB), its queues (16 MiB at most), and the
// blocks and the spool of windows that are being read. A window alone is up to 30 MiB of messages where the reader is slow.
inline constexpr std::uint64_t memory_bound_kib = 48u << 10;

} // namespace fluxgate::nothing_lost
