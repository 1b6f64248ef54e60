// base64 (RFC 4648, section 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::config {

// White space is skipped, as `base64` breaks lines; the padding may be left out. None when it is anything else.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

} // namespace fluxgate::config
