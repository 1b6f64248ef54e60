// Flux expressions that were escaped twice by the tool that exported them.
#pragma once

#include <string>
#include <string_view>

namespace fluxgate::config {

struct FluxText {
    std::string text;
    bool changed = false;
};

// The rule of query.expression: if the text has at least one `"` and every `"` stands behind an odd number of
// backslashes, then `\"` becomes `"` and `\\` becomes `\`, once, in one pass from the left. Otherwise it is left alone.
[[nodiscard]] FluxText unescape_flux(std::string_view text);

} // namespace fluxgate::config
