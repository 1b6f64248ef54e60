#include "config/flux_escape.hpp"

namespace fluxgate::config {

namespace {

bool escaped_throughout(std::string_view text) {
    bool any = false;
    std::size_t backslashes = 0;
    for (const char c : text) {
        if (c == '"' && backslashes % 2 == 0) return false;
        any = any || c == '"';
        backslashes = c == '\\' ? backslashes + 1 : 0;
    }
    return any;
}

} // namespace

FluxText unescape_flux(std::string_view text) {
    if (!escaped_throughout(text)) return {std::string{text}, false};
    FluxText out{{}, true};
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escape = text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\');
        if (escape) ++i;
        out.text += text[i];
    }
    return out;
}

} // namespace fluxgate::config
