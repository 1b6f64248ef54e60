// Hosts, ports and addresses as text, without any look-up.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::http {

struct HostAndPort {
    std::string host; // IPv6 without brackets
    std::optional<std::uint16_t> port;
};

// "host", "host:8086", "10.0.0.1:1", "[::1]:1", "[::1]", "::1". Nothing when the port is none from 1 to 65535, or the host holds a
// character that no host has.
[[nodiscard]] std::optional<HostAndPort> split_host_port(std::string_view text);

// An address of either family; IPv4 in its mapped form (::ffff:10.0.0.1 is 10.0.0.1).
class AddressBytes {
public:
    [[nodiscard]] static std::optional<AddressBytes> parse(const std::string& text); // a zone ("%eth0") is passed over
    [[nodiscard]] bool operator==(const AddressBytes& other) const noexcept { return bytes_ == other.bytes_; }

    // Whether this is in `network`/`prefix`; `prefix` counts the bits of the network's own family. False when it is too long.
    [[nodiscard]] bool in(const AddressBytes& network, unsigned prefix) const noexcept;

private:
    std::array<std::uint8_t, 16> bytes_{};
    bool v4_ = false;
};

} // namespace fluxgate::http
