// What the host is told of an exchange while it is under way: a long answer must not look like one that stands still.
#pragma once

#include "fluxgate/stage.hpp"

#include <cstdint>

namespace fluxgate::influxdb {

// What grows while rows come in. All of one exchange, but for the router's, which never begin anew.
struct Progress {
    std::uint64_t rows = 0, suppressed = 0;
    std::uint64_t body_bytes = 0, wire_bytes = 0;
    std::uint64_t evaluations = 0, hits = 0;
};

// Adds to the host's counters what is new since it was told last. Not thread-safe.
class Meter {
public:
    explicit Meter(stage::Host host) : host_(host) {}

    // A new exchange. What the one before came to was told.
    void begin() noexcept;

    void tell(const Progress& progress);

    // Whether it is time to tell: a few times a second is enough for whoever looks, and costs nothing a row.
    [[nodiscard]] bool due(std::int64_t now_ns) noexcept;

private:
    static constexpr std::int64_t every_ns = 200'000'000;
    void add(const char* name, std::uint64_t now, std::uint64_t& told) const;

    stage::Host host_;
    Progress told_;
    std::int64_t due_ns_ = 0;
};

} // namespace fluxgate::influxdb
