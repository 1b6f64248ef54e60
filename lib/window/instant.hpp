// Instants as the stage reckons with them, and their RFC 3339 text.
#pragma once

#include "fluxgate/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::window {

// Nanoseconds since 1970-01-01 UTC, without leap seconds: years 1677 to 2262.
using Instant = std::int64_t;

// Half-open: [start, stop).
struct Edges {
    Instant start = 0, stop = 0;
    friend bool operator==(const Edges&, const Edges&) = default;
};

// RFC 3339 with an upper-case T and Z or a numeric offset. Nothing: no such time, or one that an Instant cannot hold. What is
// finer than a nanosecond is cut off.
[[nodiscard]] std::optional<Instant> parse_instant(std::string_view text);

// The same for what a person wrote: nothing is cut off. Errc::configuration, its message the reason as a clause ("it is no RFC 3339
// time ...").
[[nodiscard]] Result<Instant> read_instant(std::string_view text);

// UTC, with as many fraction digits as are needed: 2026-01-01T01:00:30.5Z.
[[nodiscard]] std::string format_instant(Instant instant);

// a + b, stopping at the ends of the range.
[[nodiscard]] constexpr Instant plus(Instant a, std::int64_t b) noexcept {
    Instant sum = 0;
    if (!__builtin_add_overflow(a, b, &sum)) return sum;
    return b > 0 ? INT64_MAX : INT64_MIN;
}

// The last multiple of `step` since 1970 that is not behind `at`. Precondition: step > 0.
[[nodiscard]] constexpr Instant floor_to(Instant at, std::int64_t step) noexcept {
    const std::int64_t rest = at % step;
    return rest == 0 ? at : plus(at, rest > 0 ? -rest : -(rest + step));
}

// The first multiple of `step` since 1970 that is not before `at`.
[[nodiscard]] constexpr Instant ceil_to(Instant at, std::int64_t step) noexcept {
    const Instant below = floor_to(at, step);
    return below == at ? at : plus(below, step);
}

} // namespace fluxgate::window
