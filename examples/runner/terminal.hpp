// Text of others on a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fluxgate::runner {

// What servers say goes to a terminal here: no control characters, C1 ones neither. Line feeds begin an indented line.
std::string shown(std::string_view text, std::size_t indent);

} // namespace fluxgate::runner
