// Text for machines and terminals: times, and UTF-8 made valid.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fluxgate::telemetry {

// "2026-11-21T10:02:07.123Z" of nanoseconds since 1970 UTC (RFC 3339, milliseconds, rounded down).
std::string rfc3339(std::int64_t wall_ns);

// True when `text` is well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, no surrogates).
bool is_utf8(std::string_view text) noexcept;

// `text` with every maximal ill-formed sequence replaced by U+FFFD.
std::string to_utf8(std::string_view text);

std::string base64(std::string_view bytes); // RFC 4648, padded

} // namespace fluxgate::telemetry
