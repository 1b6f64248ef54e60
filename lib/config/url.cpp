#include "config/url.hpp"

#include "config/show.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace fluxgate::config {

namespace {

Error url_fault(std::string message) {
    return Error{Errc::configuration, std::move(message)};
}

bool alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string lower(std::string_view text) {
    std::string out{text};
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

// Characters that a path may hold besides letters and digits (RFC 3986: pchar and "/").
bool path_character(char c) {
    return alphanumeric(c) || std::string_view{"-._~%!$&'()*+,;=:@/"}.find(c) != std::string_view::npos;
}

// What stands before "://", where it is a word and not perhaps a secret.
std::string scheme_text(std::string_view scheme) {
    const bool word = !scheme.empty() && scheme.size() <= 12 && std::all_of(scheme.begin(), scheme.end(), alphanumeric);
    return word ? quoted(std::string{scheme} + "://") : std::string{"another scheme"};
}

Result<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (problem != std::errc{} || end != text.data() + text.size() || port == 0)
        return url_fault("the port in the URL must be a number from 1 to 65535; found " + quoted(text));
    return port;
}

Result<std::string> parse_name(std::string_view host) {
    if (host.empty()) return url_fault("the URL has no host; write for example https://influx.example.com");
    if (host.size() > 253) return url_fault("the host in the URL is longer than 253 characters");
    for (const char c : host) {
        if (static_cast<unsigned char>(c) >= 0x80)
            return url_fault("the host " + quoted(host) + " has a character outside ASCII; write it in its xn-- form");
        if (!alphanumeric(c) && c != '.' && c != '-' && c != '_')
            return url_fault("the host " + quoted(host) + " has the character " + quoted({&c, 1}) +
                             "; letters, digits, '.', '-' and '_' are allowed");
    }
    if (host.front() == '.' || host.find("..") != std::string_view::npos) return url_fault("the host " + quoted(host) + " has an empty label");
    return std::string{host};
}

Result<std::string> parse_ipv6(std::string_view inside) {
    in6_addr address{};
    const std::string text{inside};
    // inet_pton would stop at a NUL.
    if (text.find_first_not_of("0123456789abcdefABCDEF:.") != std::string::npos || inet_pton(AF_INET6, text.c_str(), &address) != 1)
        return url_fault(quoted("[" + text + "]") + " is not an IPv6 address");
    return text;
}

// Splits "host:port" or "[v6]:port".
Result<ServerUrl> parse_authority(std::string_view authority) {
    ServerUrl out;
    std::string_view port;
    const bool bracket = !authority.empty() && authority.front() == '[';
    if (bracket) {
        const auto close = authority.find(']');
        if (close == std::string_view::npos) return url_fault("the bracket of the IPv6 address in the URL is not closed");
        auto host = parse_ipv6(authority.substr(1, close - 1));
        if (!host) return std::move(host).error();
        out.host = std::move(host).value();
        port = authority.substr(close + 1);
        if (!port.empty() && port.front() != ':') return url_fault("only a port may follow the IPv6 address in the URL; found " + quoted(port));
    } else {
        const auto colon = authority.find(':');
        if (colon != authority.rfind(':')) return url_fault("an IPv6 address in a URL stands in brackets: https://[::1]:8086");
        auto host = parse_name(authority.substr(0, colon));
        if (!host) return std::move(host).error();
        out.host = std::move(host).value();
        if (colon != std::string_view::npos) port = authority.substr(colon);
    }
    if (port.empty()) return out;
    const auto number = parse_port(port.substr(1));
    if (!number) return number.error();
    out.port = *number;
    return out;
}

} // namespace

Result<ServerUrl> parse_server_url(std::string_view text) {
    const auto scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) return url_fault("the URL must begin with http:// or https://; found no scheme");
    const std::string scheme = lower(text.substr(0, scheme_end));
    if (scheme != "http" && scheme != "https") return url_fault("the URL must begin with http:// or https://; found " + scheme_text(scheme));
    const std::string_view rest = text.substr(scheme_end + 3);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#\\"));
    std::string_view path = rest.substr(authority.size());
    const Error credentials = url_fault("the URL must not hold credentials (the part before '@'); name a secret in authentication");
    if (authority.find('@') != std::string_view::npos) return credentials;
    if (path.find('#') != std::string_view::npos) return url_fault("the URL must not have a fragment ('#'); remove it");
    if (path.find('?') != std::string_view::npos) return url_fault("the URL must not have a query ('?'); remove it");

    auto url = parse_authority(authority);
    if (!url) {
        // A password with a '/' in it was cut into host, port and path: none of them may be repeated.
        return rest.find('@') != std::string_view::npos ? credentials : url.error();
    }
    if (!std::all_of(path.begin(), path.end(), path_character))
        return url_fault("the path of the URL has a character that must be percent-encoded (%20 for a space)");
    while (!path.empty() && path.back() == '/')
        path.remove_suffix(1);
    url->https = scheme == "https";
    url->prefix = path;
    return url;
}

bool is_loopback(std::string_view host) {
    const std::string name = lower(host);
    const std::string_view view{name};
    if (view == "localhost" || view == "localhost." || view == "ip6-localhost") return true;
    constexpr std::string_view below = ".localhost";
    if (view.size() > below.size() && view.substr(view.size() - below.size()) == below) return true;
    in_addr v4{};
    if (inet_pton(AF_INET, name.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
    in6_addr v6{};
    return inet_pton(AF_INET6, name.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

} // namespace fluxgate::config
