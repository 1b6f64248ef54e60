// Times as people type them.
#pragma once

#include "fluxgate/error.hpp"

#include <cstdint>
#include <string_view>

namespace fluxgate::state {

// An RFC 3339 time of the years 1678 to 2261, `now`, `now-2h`, or `-2h`, as nanoseconds since 1970 UTC. Errc::configuration, its
// message the reason as a clause.
[[nodiscard]] Result<std::int64_t> parse_time_or_past(std::string_view text, std::int64_t now_ns);

} // namespace fluxgate::state
