// Pieces of JSON text that commands put together.
#pragma once

#include "fluxgate/stage.hpp"

#include <string>
#include <string_view>

namespace fluxgate::runner {

inline std::string json_string(std::string_view text) {
    std::string out;
    stage::detail::append_json_string(out, text);
    return out;
}

// ["a", "b"]: of anything that can be walked through and holds strings.
template <class Strings>
std::string json_list(const Strings& strings) {
    std::string out;
    for (const std::string& text : strings)
        out += (out.empty() ? "" : ", ") + json_string(text);
    return "[" + out + "]";
}

} // namespace fluxgate::runner
