// Canonical JSON strings out of untrusted bytes (the stage's "Message" rules).
#pragma once

#include "flux/table.hpp"
#include "message/buffer.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace fluxgate::message {

// Appends `bytes` as the inside of a JSON string (without the outer quotes): escapes \" \\ \b \f \n \r \t and \u00XX with
// upper-case hex for other control characters, everything else raw. Bytes that are not UTF-8 become U+FFFD, one for each
// maximal subpart (as the WHATWG decoder does). Answers how many were replaced.
std::uint64_t append_escaped(Buffer& out, std::string_view bytes);

// The same for a field of a row: "" stands for a quote, CRLF inside quotes for LF.
std::uint64_t append_escaped(Buffer& out, const flux::Field& field);

// The bytes with each sequence that is not UTF-8 replaced in the same way.
[[nodiscard]] std::string valid_utf8(std::string_view bytes);

// The length of the UTF-8 sequence at the beginning of `bytes` (1..4), or, where it is not valid, 0 with the length of its
// maximal subpart in `bad`. Precondition: bytes is not empty.
[[nodiscard]] int utf8_sequence(std::string_view bytes, int& bad) noexcept;

} // namespace fluxgate::message
