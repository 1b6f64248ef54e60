#include "terminal.hpp"

#include "telemetry/text.hpp"

namespace fluxgate::runner {

std::string shown(std::string_view text, std::size_t indent) {
    std::string out;
    const std::string clean = telemetry::to_utf8(text);
    for (std::size_t i = 0; i < clean.size(); ++i) {
        const auto byte = static_cast<unsigned char>(clean[i]);
        if (byte == '\n') {
            out += '\n';
            out.append(indent, ' ');
        } else if (byte < 0x20 || byte == 0x7F) {
            out += '?';
        } else if (byte == 0xC2 && i + 1 < clean.size() && static_cast<unsigned char>(clean[i + 1]) < 0xA0) {
            out += '?';
            ++i;
        } else {
            out += clean[i];
        }
    }
    return out;
}

} // namespace fluxgate::runner
