// Where `--metrics` listens.
#pragma once

#include "fluxgate/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace fluxgate::observe {

struct Listen {
    std::string address = "127.0.0.1"; // IPv4 or IPv6, without brackets
    std::uint16_t port = 0;            // 0: the system chooses

    [[nodiscard]] bool loopback() const;
    [[nodiscard]] std::string text() const; // "127.0.0.1:9464", "[::1]:9464"
};

// "9464" (the loopback address), "localhost:9464", "0.0.0.0:9464", "[::1]:9464". Errc::configuration; the message is a clause.
[[nodiscard]] Result<Listen> parse_listen(std::string_view text);

} // namespace fluxgate::observe
