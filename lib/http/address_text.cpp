#include "http/address_text.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace fluxgate::http {
namespace {

std::optional<std::uint16_t> port_of(std::string_view digits) {
    if (digits.empty() || digits.size() > 5 || digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    unsigned value = 0;
    for (const char c : digits)
        value = value * 10 + static_cast<unsigned>(c - '0');
    return value >= 1 && value <= 65535 ? std::optional<std::uint16_t>{static_cast<std::uint16_t>(value)} : std::nullopt;
}

bool is_host_text(std::string_view host) {
    return std::none_of(host.begin(), host.end(), [](char c) {
        return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || std::string_view{"@/?#\\[]<>\"%^`{|}"}.find(c) != std::string_view::npos;
    });
}

} // namespace

std::optional<HostAndPort> split_host_port(std::string_view text) {
    HostAndPort out;
    std::string_view port;
    bool has_port = false;
    if (!text.empty() && text.front() == '[') {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        out.host = std::string{text.substr(1, close - 1)};
        if (!AddressBytes::parse(out.host)) return std::nullopt;
        const std::string_view rest = text.substr(close + 1);
        has_port = !rest.empty();
        if (has_port && rest.front() != ':') return std::nullopt;
        if (has_port) port = rest.substr(1);
    } else if (AddressBytes::parse(std::string{text})) {
        out.host = std::string{text};
    } else {
        const std::size_t colon = text.find(':');
        has_port = colon != std::string_view::npos;
        out.host = std::string{text.substr(0, colon)};
        if (has_port) port = text.substr(colon + 1);
        if (!is_host_text(out.host)) return std::nullopt;
    }
    if (!has_port) return out;
    out.port = port_of(port);
    return out.port ? std::optional<HostAndPort>{std::move(out)} : std::nullopt;
}

std::optional<AddressBytes> AddressBytes::parse(const std::string& text) {
    static constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    AddressBytes out;
    if (::inet_pton(AF_INET, text.c_str(), out.bytes_.data() + mapped.size()) == 1) {
        std::copy(mapped.begin(), mapped.end(), out.bytes_.begin());
        out.v4_ = true;
        return out;
    }
    if (::inet_pton(AF_INET6, text.substr(0, text.find('%')).c_str(), out.bytes_.data()) != 1) return std::nullopt;
    out.v4_ = std::equal(mapped.begin(), mapped.end(), out.bytes_.begin());
    return out;
}

bool AddressBytes::in(const AddressBytes& network, unsigned prefix) const noexcept {
    if (v4_ != network.v4_ || prefix > (v4_ ? 32u : 128u)) return false;
    const unsigned bits = prefix + (v4_ ? 96u : 0u);
    const unsigned whole = bits / 8;
    if (!std::equal(bytes_.begin(), bytes_.begin() + whole, network.bytes_.begin())) return false;
    const unsigned rest = bits % 8;
    return rest == 0 || ((bytes_[whole] ^ network.bytes_[whole]) >> (8 - rest)) == 0;
}

} // namespace fluxgate::http
