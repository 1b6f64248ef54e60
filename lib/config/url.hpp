// The address of a server: scheme, host, optional port, path prefix.
#pragma once

#include "fluxgate/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::config {

struct ServerUrl {
    bool https = false;
    std::string host; // a name, an IPv4 address, or an IPv6 address without brackets
    std::optional<std::uint16_t> port;
    std::string prefix; // "" or "/some/path", as written, without trailing slashes
};

// Credentials, query and fragment are refused. Error: Errc::configuration with a whole sentence; it never repeats what
// may be a secret (credentials, query, fragment).
[[nodiscard]] Result<ServerUrl> parse_server_url(std::string_view text);

// localhost, names below .localhost, 127.0.0.0/8 and ::1. No name is resolved.
[[nodiscard]] bool is_loopback(std::string_view host);

} // namespace fluxgate::config
