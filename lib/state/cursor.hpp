// What people do to a stored cursor (window/cursor.hpp says what it is). Members that are not known are kept as they are.
#pragma once

#include "fluxgate/error.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace fluxgate::state {

inline constexpr std::string_view cursor_key = "cursor", fingerprints_key = "fingerprints";
inline constexpr std::string_view source_stage = "input"; // the id of every pipeline's source

// The cursor of a reader that is to go on at `position`, whatever it reads.
[[nodiscard]] std::string cursor_at(std::int64_t position, std::int64_t now_ns);

// `json` moved back by `by`: windows forgotten, the rest kept. Errors of window::parse_cursor, and before 1678.
[[nodiscard]] Result<std::string> rewound(std::string_view json, std::chrono::nanoseconds by, std::int64_t now_ns);

// With the member "pipeline" in front, for another place; and back: checked, without that member, which must name `pipeline` if it is there.
[[nodiscard]] Result<std::string> exported(std::string_view json, std::string_view pipeline);
[[nodiscard]] Result<std::string> imported(std::string_view text, std::string_view pipeline);

} // namespace fluxgate::state
