#include "config/base64.hpp"

namespace fluxgate::config {

std::optional<std::string> decode_base64(std::string_view text) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    unsigned bits = 0, held = 0, padding = 0;
    std::size_t count = 0;
    for (const char c : text) {
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
        if (c == '=') {
            ++padding;
            continue;
        }
        const std::size_t value = digits.find(c);
        if (value == std::string_view::npos || padding != 0) return std::nullopt;
        bits = (bits << 6u | static_cast<unsigned>(value)) & 0xFFFFu;
        held += 6;
        ++count;
        if (held < 8) continue;
        held -= 8;
        out += static_cast<char>(bits >> held & 0xFFu);
    }
    const std::size_t over = count % 4;
    if (over == 1 || (padding != 0 && (over == 0 || padding != 4 - over))) return std::nullopt;
    if ((bits & ((1u << held) - 1u)) != 0) return std::nullopt; // what is cut off must be nothing
    return out;
}

} // namespace fluxgate::config
