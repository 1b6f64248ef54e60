// The sample server with trouble: what it does to queries, when it is away, and how often it did so.
#pragma once

#include "sample_server/server.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>

namespace fluxgate::nothing_lost {

using Random = std::mt19937_64;

// 0 .. below-1, the same on every machine for the same seed.
inline std::uint64_t draw(Random& random, std::uint64_t below) {
    return random() % below;
}
inline bool chance(Random& random, std::uint64_t percent) {
    return draw(random, 100) < percent;
}

struct TroubleOptions {
    std::uint32_t percent = 25;        // of the queries
    std::uint64_t body_bytes = 20'000; // about: of an answer on the wire, to cut inside of it
    bool gzip = false;
    std::chrono::milliseconds stall{250};    // longer than the program waits
    std::chrono::milliseconds timeout{2000}; // the server leaves a client that does not read for so long
};

class Trouble {
public:
    explicit Trouble(const TroubleOptions& options);

    [[nodiscard]] std::uint16_t port() const { return port_; }

    // Draws what happens to the next queries.
    void arm(Random& random);
    void disarm();
    // Open answers break off; until start() nobody is there. What was written is there again then.
    void stop();
    void start();
    // A point in line protocol: queries from now on see it.
    void write(const std::string& line);
    [[nodiscard]] const sample::Written& written() const { return server_->written(); }
    [[nodiscard]] bool away() const { return server_ == nullptr; }

    // How often each kind met a query.
    [[nodiscard]] const std::map<std::string, std::uint64_t>& met() const { return met_; }
    void count_met(); // of the queries since the last call

private:
    std::unique_ptr<sample::Server> started() const;

    const TroubleOptions options_;
    std::uint16_t port_ = 0;
    std::unique_ptr<sample::Server> server_;
    std::string lines_;
    std::map<std::uint64_t, std::string> armed_; // by the query's number
    std::uint64_t counted_ = 0;                  // queries of this server
    std::map<std::string, std::uint64_t> met_;
};

} // namespace fluxgate::nothing_lost
