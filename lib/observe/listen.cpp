#include "observe/listen.hpp"

#include <arpa/inet.h>
#include <charconv>
#include <utility>

namespace fluxgate::observe {

namespace {

Error bad(const std::string& what) {
    return {Errc::configuration, what + "; write PORT, ADDRESS:PORT or [ADDRESS]:PORT, e.g. 9464, 0.0.0.0:9464 or [::1]:9464"};
}

bool is_v4(const std::string& text) {
    in_addr out{};
    return inet_pton(AF_INET, text.c_str(), &out) == 1;
}

bool is_v6(const std::string& text) {
    in6_addr out{};
    return inet_pton(AF_INET6, text.c_str(), &out) == 1;
}

} // namespace

Result<Listen> parse_listen(std::string_view text) {
    Listen out;
    std::string_view port = text;
    if (!text.empty() && text.front() == '[') {
        const std::size_t end = text.find("]:");
        if (end == std::string_view::npos) return bad("an address in brackets is followed by a colon and the port");
        out.address = text.substr(1, end - 1);
        if (!is_v6(out.address)) return bad("\"" + out.address + "\" is no IPv6 address");
        port = text.substr(end + 2);
    } else if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
        out.address = text.substr(0, colon);
        port = text.substr(colon + 1);
        if (is_v6(out.address) || out.address.find(':') != std::string::npos) return bad("an IPv6 address stands in brackets");
        if (out.address == "localhost") out.address = "127.0.0.1";
        if (!is_v4(out.address)) return bad("\"" + out.address + "\" is no address of this machine: names are not looked up, but for localhost");
    }
    const auto parsed = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (port.empty() || parsed.ec != std::errc{} || parsed.ptr != port.data() + port.size())
        return bad("\"" + std::string{port} + "\" is no port between 0 and 65535");
    return out;
}

bool Listen::loopback() const {
    in_addr v4{};
    if (inet_pton(AF_INET, address.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
    in6_addr v6{};
    if (inet_pton(AF_INET6, address.c_str(), &v6) != 1) return false;
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

std::string Listen::text() const {
    const bool v6 = address.find(':') != std::string::npos;
    return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

} // namespace fluxgate::observe
