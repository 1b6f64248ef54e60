// Text for a terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fluxgate::runner {

// What servers say goes to a terminal here: no control characters, C1 ones neither. Line feeds begin an indented line.
std::string shown(std::string_view text, std::size_t indent);

// "512 bytes", "1.5 KiB", "3.0 MiB".
std::string bytes_text(std::uint64_t bytes);

} // namespace fluxgate::runner
