#include "terminal.hpp"

#include "telemetry/text.hpp"

#include <cstdio>

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

std::string bytes_text(std::uint64_t bytes) {
    char text[48];
    if (bytes < 1024)
        std::snprintf(text, sizeof text, "%llu bytes", static_cast<unsigned long long>(bytes));
    else if (bytes < (1u << 20))
        std::snprintf(text, sizeof text, "%.1f KiB", static_cast<double>(bytes) / 1024);
    else
        std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
    return text;
}

} // namespace fluxgate::runner
