// Sizes in bytes: "2MiB", "256KiB", "100B", or a plain integer.
#pragma once

#include "fluxgate/error.hpp"

#include <rapidjson/document.h>

#include <cstdint>
#include <string_view>

namespace fluxgate::config {

// <integer><unit>, unit B, KiB, MiB, GiB or TiB, at most 2^63-1 bytes. Error: Errc::configuration, its message the reason as a clause.
[[nodiscard]] Result<std::uint64_t> parse_byte_size(std::string_view text);

// A JSON integer counts bytes; a JSON string is parsed as above.
[[nodiscard]] Result<std::uint64_t> byte_size_of(const rapidjson::Value& value);

} // namespace fluxgate::config
