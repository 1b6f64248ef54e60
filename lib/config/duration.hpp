// Durations as Go writes them: <number><unit> repeated, e.g. "1h10m30s", "1.5h", "3m9ms400ns".
#pragma once

#include "fluxgate/error.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace fluxgate::config {

// Units h m s ms us µs ns (µ as U+00B5 or U+03BC). A number may have a fraction; what is finer than a nanosecond is cut
// off. No sign, no bare 0. Error: Errc::configuration, its message the reason as a clause ("the number 5 has no unit").
[[nodiscard]] Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

// The shortest text of whole numbers that parses back to the same value; "0s" for zero, a leading '-' below it.
[[nodiscard]] std::string format_duration(std::chrono::nanoseconds duration);

} // namespace fluxgate::config
