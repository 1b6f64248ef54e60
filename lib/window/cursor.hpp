// The cursor: how far reading has come, as the state store keeps it under the key `cursor`.
#pragma once

#include "fluxgate/error.hpp"
#include "window/instant.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::window {

// The text, on one line, written by the source and edited by people:
//   {"version":1,"position":"2026-11-21T10:00:00Z","planned":[["...","..."],...],"passed":[["...","..."],...],
//    "identity":"<32 hex digits>","updated":"2026-11-21T10:00:05.123Z"}
struct Cursor {
    Instant position = 0;       // every row before is delivered; what follows is not
    std::vector<Edges> planned; // windows that were begun and are not passed; a restart reads exactly these again
    std::vector<Edges> passed;  // stretches beyond a gap that are complete and acknowledged
    std::string identity;       // identity_of() of what was read; empty: not known, the present one is adopted
    std::string updated;        // when it was written, for people; or empty
};

// `now`: goes to `updated`.
[[nodiscard]] std::string cursor_text(const Cursor& cursor, Instant now);

// Errc::configuration names the member that is wrong, and what it is: not JSON, a name twice, another version, no position, no
// times, windows that overlap, are empty or lie before the position, more of them than this program ever writes. A list that is
// absent is empty; unknown members are skipped.
[[nodiscard]] Result<Cursor> parse_cursor(std::string_view text);

// XXH3-128 of the three, each followed by byte 0x1F, as 32 hex digits.
[[nodiscard]] std::string identity_of(std::string_view url, std::string_view organization, std::string_view query);

} // namespace fluxgate::window
