// Instants as text, exact to the nanosecond.
#pragma once

#include "fluxgate/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace fluxgate::state {

// RFC 3339 with an upper-case T and Z or a numeric offset and at most nine fraction digits, as nanoseconds since 1970 UTC.
// Errc::configuration, its message the reason as a clause ("it is no RFC 3339 time ..."). Years 1678 to 2261.
[[nodiscard]] Result<std::int64_t> parse_time(std::string_view text);

// What a person types: an RFC 3339 time, `now`, `now-2h`, or `-2h`.
[[nodiscard]] Result<std::int64_t> parse_time_or_past(std::string_view text, std::int64_t now_ns);

// RFC 3339 UTC with as many fraction digits as it takes: "2026-11-21T10:00:00Z".
[[nodiscard]] std::string format_time(std::int64_t ns);

} // namespace fluxgate::state
