// Where a Flux error stands in the query, as a line with a caret below it. Pure functions over untrusted text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::influxdb {

// From 1; columns count bytes; the end is exclusive, as Flux writes it: "error @1:38-1:39" is one byte.
struct FluxPosition {
    std::uint32_t line = 0, column = 0, end_line = 0, end_column = 0;
};

// The position that the words of a server name: "@1:24-1:30" anywhere (2.x), or "loc 1:1-1:6" (1.8). Of several the smallest
// one, which says most; one that is empty (the end of the text) only if there is no other.
[[nodiscard]] std::optional<FluxPosition> find_flux_position(std::string_view server_text);

// Two lines, without an end:
//   line 1: from(bucket:"plant" |> range(
//                               ^^^^^^
// A long line is cut around the position. "" when the query has no such line.
[[nodiscard]] std::string show_flux_position(std::string_view query, const FluxPosition& position);

// Both steps: "" when the server named no position, or none that is in the query.
[[nodiscard]] std::string query_line(std::string_view query, std::string_view server_text);

} // namespace fluxgate::influxdb
