// The cursor: how far reading has come, as the state store keeps it under the key `cursor`.
#pragma once

#include "fluxgate/error.hpp"
#include "window/instant.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::window {

struct Cursor {
    Instant position = 0;       // every row before is delivered; what follows is not
    std::vector<Edges> planned; // windows that were begun and are not passed; a restart reads exactly these again
    std::vector<Edges> passed;  // stretches beyond a gap that are complete and acknowledged
    std::string identity;       // identity_of() of what was read; empty: not known, the present one is adopted
};

// One line of JSON. `now`: when it was written, for people.
[[nodiscard]] std::string cursor_text(const Cursor& cursor, Instant now);

// Errc::state with what is wrong with the text: not JSON, another version, a missing or wrong member, windows that overlap, are
// empty or lie before the position, more windows than this program ever writes. Unknown members are skipped.
[[nodiscard]] Result<Cursor> parse_cursor(std::string_view text);

// XXH3-128 of the three, each followed by byte 0x1F, as 32 hex digits.
[[nodiscard]] std::string identity_of(std::string_view url, std::string_view organization, std::string_view query);

} // namespace fluxgate::window
