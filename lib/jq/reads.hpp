// What a jq expression can read of a message.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::jq {

// `everything`: the value may depend on any byte of the message, it must not be remembered. Otherwise the value (result
// or failure) is a function of these alone: the named payload columns (each present with its value, or absent), and
// properties.result / properties.table where flagged. A constant expression reads nothing.
struct Reads {
    bool everything = true;
    bool result = false;
    bool table = false;
    std::vector<std::string> payload;
};

// A conservative analysis of the expression's text: where it is not certain, it answers `everything`.
[[nodiscard]] Reads analyse(std::string_view expression);

} // namespace fluxgate::jq
