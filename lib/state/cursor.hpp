// The value of the state key "cursor": JSON text on one line, written by the source and edited by people.
//
//   {"version":1,"position":"2026-11-21T10:00:00Z",   every row before is delivered
//    "planned":[["...","..."],...],                   edges of windows that were begun and are not passed yet
//    "passed":[["...","..."],...],                    windows beyond a gap that are delivered
//    "identity":"<32 hex digits>",                    of what is read; absent: the next run takes it as it is
//    "updated":"2026-11-21T10:00:05.123Z"}
//
// Members that are not known here are kept as they are.
#pragma once

#include "fluxgate/error.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fluxgate::state {

inline constexpr std::string_view cursor_key = "cursor", fingerprints_key = "fingerprints";
inline constexpr std::string_view source_stage = "input"; // the id of every pipeline's source

using Interval = std::pair<std::int64_t, std::int64_t>; // nanoseconds since 1970 UTC; the second is later

struct Cursor {
    std::int64_t position = 0; // nanoseconds since 1970 UTC
    std::vector<Interval> planned, passed;
    std::string identity; // or empty
    std::string updated;  // or empty
};

// Errc::configuration names the member that is wrong.
[[nodiscard]] Result<Cursor> parse_cursor(std::string_view json);

// The cursor of a reader that is to go on at `position`, whatever it reads.
[[nodiscard]] std::string cursor_at(std::int64_t position, std::int64_t now_ns);

// `json` moved back by `by`: windows forgotten, the rest kept. Errors of parse_cursor, and before 1678.
[[nodiscard]] Result<std::string> rewound(std::string_view json, std::chrono::nanoseconds by, std::int64_t now_ns);

// With the member "pipeline" in front, for another place; and back: checked, without that member, which must name `pipeline` if it is there.
[[nodiscard]] Result<std::string> exported(std::string_view json, std::string_view pipeline);
[[nodiscard]] Result<std::string> imported(std::string_view text, std::string_view pipeline);

} // namespace fluxgate::state
