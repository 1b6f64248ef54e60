// Which log lines are written when the same thing is said again and again. No I/O, and no clock of its own.
#pragma once

#include "fluxgate/host.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fluxgate::telemetry {

// Lines are the same when event and stage are. The first `burst` of them within a window are written, the rest are counted; when the
// window has passed they are told as one. Debug lines are never held back. Not thread-safe. Bounded: of more than `max_keys`
// different ones at a time, the further ones share one count.
class RepeatLimit {
public:
    struct Policy {
        std::uint32_t burst = 20;
        std::chrono::nanoseconds window = std::chrono::minutes{1};
        std::size_t max_keys = 256;
    };
    struct Held {
        std::string event, stage;        // both empty: of several
        LogLevel level = LogLevel::info; // the worst
        std::uint64_t count = 0;
    };

    explicit RepeatLimit(Policy policy) noexcept : policy_(policy) {}

    // False: the line is counted instead of written.
    [[nodiscard]] bool admit(LogLevel level, std::string_view event, std::string_view stage, std::int64_t now_ns);
    // What was held back in windows that have passed; each is told once.
    [[nodiscard]] std::vector<Held> due(std::int64_t now_ns);
    // The same, whether the windows have passed or not: at the end.
    [[nodiscard]] std::vector<Held> rest();
    [[nodiscard]] const Policy& policy() const noexcept { return policy_; }

private:
    struct Window {
        std::int64_t began_ns = 0;
        std::uint32_t written = 0;
        std::uint64_t held = 0;
        LogLevel worst = LogLevel::debug;
    };
    using Key = std::pair<std::string, std::string>;
    [[nodiscard]] std::vector<Held> take(bool all, std::int64_t now_ns);

    Policy policy_;
    std::map<Key, Window> windows_;
};

} // namespace fluxgate::telemetry
