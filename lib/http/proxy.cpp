#include "http/proxy.hpp"

#include "http/address_text.hpp"
#include "http/exchange_text.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace fluxgate::http {
namespace {

struct Variable {
    std::string name, value;
};

std::optional<Variable> first_of(const EnvironmentLookup& environment, std::initializer_list<const char*> names) {
    for (const char* const name : names) {
        std::optional<std::string> value = environment(name);
        if (value && !value->empty()) return Variable{name, std::move(*value)};
    }
    return std::nullopt;
}

Error unusable(const Variable& variable, const std::string& what) {
    return Error{Errc::configuration, "the environment variable " + variable.name + " " + what +
                                          ". Give it the form http://host:port or http://user:password@host:port, unset it, or name the "
                                          "server in NO_PROXY"};
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Nothing when a % is not followed by two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

std::string base64(const std::string& text) {
    std::string out((text.size() + 2) / 3 * 4 + 1, '\0'); // OpenSSL writes a NUL behind it
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    out.resize(static_cast<std::size_t>(size));
    return out;
}

// "user:password" as it stands in a url, made a header's value; nothing when it cannot be one.
std::optional<std::string> basic_authorization(std::string_view userinfo) {
    constexpr std::size_t most = 4096;
    if (userinfo.size() > most) return std::nullopt;
    const std::size_t colon = userinfo.find(':');
    const std::optional<std::string> user = percent_decoded(userinfo.substr(0, colon));
    const std::optional<std::string> password = percent_decoded(colon == std::string_view::npos ? std::string_view{} : userinfo.substr(colon + 1));
    if (!user || !password || user->find(':') != std::string::npos) return std::nullopt;
    return "Basic " + base64(*user + ":" + *password);
}

Result<Proxy> parse_proxy(const Variable& variable) {
    constexpr std::uint16_t default_port = 80;
    std::string_view rest = variable.value;
    if (const std::size_t scheme_end = rest.find("://"); scheme_end != std::string_view::npos) {
        const std::string scheme = lower(rest.substr(0, scheme_end));
        if (scheme != "http") {
            const bool shown = scheme == "https" || scheme.substr(0, 5) == "socks"; // anything else may hold a misplaced secret
            return unusable(variable, "names a proxy" + (shown ? " of the kind " + scheme + "://" : std::string{" of an unknown kind"}) +
                                          "; only http:// proxies are supported");
        }
        rest.remove_prefix(scheme_end + 3);
    }
    rest = rest.substr(0, rest.find_first_of("/?#"));
    Proxy proxy;
    proxy.variable = variable.name;
    if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
        std::optional<std::string> authorization = basic_authorization(rest.substr(0, at));
        if (!authorization) return unusable(variable, "holds a user or password that cannot be decoded (% and : must be written %25 and %3A)");
        proxy.authorization = std::move(*authorization);
        rest.remove_prefix(at + 1);
    }
    const std::optional<HostAndPort> parsed = split_host_port(rest);
    if (!parsed || parsed->host.empty()) return unusable(variable, "does not name a host and a port from 1 to 65535");
    proxy.endpoint = {false, parsed->host, parsed->port.value_or(default_port)};
    return proxy;
}

bool is_loopback(const std::string& host) {
    if (host == "localhost" || (host.size() > 10 && host.substr(host.size() - 10) == ".localhost")) return true;
    const std::optional<AddressBytes> address = AddressBytes::parse(host);
    return address && (address->in(*AddressBytes::parse("127.0.0.0"), 8) || *address == *AddressBytes::parse("::1"));
}

std::string canonical_host(std::string_view host) {
    std::string out = lower(host);
    if (!out.empty() && out.back() == '.') out.pop_back();
    return out;
}

bool in_network(std::string_view item, std::size_t slash, const std::string& host) {
    const std::optional<AddressBytes> network = AddressBytes::parse(std::string{item.substr(0, slash)});
    const std::optional<AddressBytes> address = AddressBytes::parse(host);
    const std::string_view digits = item.substr(slash + 1);
    if (!network || !address || digits.empty() || digits.size() > 3 || digits.find_first_not_of("0123456789") != std::string_view::npos) return false;
    return address->in(*network, static_cast<unsigned>(std::atoi(std::string{digits}.c_str())));
}

bool item_names(std::string_view item, const std::string& host, std::uint16_t port) {
    if (item == "*") return true;
    if (const std::size_t slash = item.find('/'); slash != std::string_view::npos) return in_network(item, slash, host);
    if (item.substr(0, 2) == "*.") item.remove_prefix(1);
    if (item.substr(0, 1) == ".") item.remove_prefix(1);
    const std::optional<HostAndPort> parsed = split_host_port(item);
    if (!parsed || parsed->host.empty() || (parsed->port && *parsed->port != port)) return false;
    const std::string name = canonical_host(parsed->host);
    const std::optional<AddressBytes> address = AddressBytes::parse(host);
    if (address) {
        const std::optional<AddressBytes> named = AddressBytes::parse(name);
        return named && *named == *address;
    }
    return host == name || (host.size() > name.size() && host.compare(host.size() - name.size(), name.size(), name) == 0 &&
                            host[host.size() - name.size() - 1] == '.');
}

std::string one_line(std::string_view text) {
    constexpr std::size_t most = 200;
    std::string out;
    for (const char c : text.substr(0, most))
        out += c >= 0x20 && c < 0x7f ? c : '.';
    return out;
}

std::string refusal_step(int status, const Endpoint& target, const Proxy& proxy) {
    if (status == 407)
        return proxy.authorization.empty()
                   ? "it asks for a user and a password: put them into " + proxy.variable + " (http://user:password@host:port)"
                   : "it refused the user or the password in " + proxy.variable;
    if (status == 408 || status == 425 || status == 429 || status >= 500) return "it could not reach the server";
    return "it does not allow this: have CONNECT to port " + std::to_string(target.port) + " allowed, or name the server in NO_PROXY";
}

std::string question(const Endpoint& target, const Proxy& proxy) {
    return "the proxy " + place(proxy.endpoint) + " of " + proxy.variable + ", asked for a connection to " + place(target) + ", ";
}

// "HTTP/1.1 407 Proxy Authentication Required": the number, or nothing.
std::optional<int> status_of(std::string_view line) {
    const bool proper = line.size() >= 12 && (line.substr(0, 9) == "HTTP/1.1 " || line.substr(0, 9) == "HTTP/1.0 ") &&
                        line.substr(9, 3).find_first_not_of("0123456789") == std::string_view::npos && (line.size() == 12 || line[12] == ' ');
    if (!proper) return std::nullopt;
    return (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
}

Error not_an_answer(const std::string& what, const Endpoint& target, const Proxy& proxy) {
    Error error{Errc::http, question(target, proxy) + what + ". Check that " + proxy.variable + " names an HTTP proxy and its port"};
    error.retryable = true;
    return error;
}

} // namespace

std::optional<std::string> process_environment(const std::string& name) {
    const char* const value = std::getenv(name.c_str());
    return value != nullptr ? std::optional<std::string>{value} : std::nullopt;
}

bool no_proxy_names(std::string_view list, const Endpoint& target) {
    const std::string host = canonical_host(target.host);
    for (std::size_t at = 0; at < list.size();) {
        const std::size_t end = std::min(list.find_first_of(", \t", at), list.size());
        if (end > at && item_names(list.substr(at, end - at), host, target.port)) return true;
        at = end + 1;
    }
    return false;
}

Result<std::optional<Proxy>> proxy_for(const Endpoint& target, const EnvironmentLookup& environment) {
    std::optional<Variable> variable = target.https                                ? first_of(environment, {"https_proxy", "HTTPS_PROXY"})
                                       : environment("REQUEST_METHOD").has_value() ? first_of(environment, {"http_proxy"})
                                                                                   : first_of(environment, {"http_proxy", "HTTP_PROXY"});
    if (!variable || is_loopback(canonical_host(target.host))) return std::optional<Proxy>{};
    const std::optional<Variable> direct = first_of(environment, {"no_proxy", "NO_PROXY"});
    if (direct && no_proxy_names(direct->value, target)) return std::optional<Proxy>{};
    Result<Proxy> proxy = parse_proxy(*variable);
    if (!proxy) return std::move(proxy).error();
    return std::optional<Proxy>{std::move(proxy).value()};
}

Route route_for(const Endpoint& target, const EnvironmentLookup& environment) {
    Route route;
    Result<std::optional<Proxy>> proxy = proxy_for(target, environment);
    if (proxy) {
        route.proxy = std::move(proxy).value();
    } else {
        route.problem = std::move(proxy).error().message;
    }
    return route;
}

std::string connect_request(const Endpoint& target, const Proxy& proxy) {
    const std::string authority = place(target);
    std::string out = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
    if (!proxy.authorization.empty()) out += "Proxy-Authorization: " + proxy.authorization + "\r\n";
    return out + "\r\n";
}

ConnectAnswer judge_connect_answer(std::string_view bytes, const Endpoint& target, const Proxy& proxy) {
    const std::string_view line = bytes.substr(0, bytes.find("\r\n"));
    const std::size_t end = bytes.find("\r\n\r\n");
    const std::optional<int> status = status_of(line);
    constexpr std::string_view beginning = "HTTP/1.";
    const bool may_be = bytes.substr(0, beginning.size()) == beginning.substr(0, bytes.size());
    if (!may_be || (!status && line.size() < bytes.size()))
        return {true, not_an_answer("answered with something that is not HTTP/1.0 or HTTP/1.1", target, proxy)};
    if (end == std::string_view::npos) {
        if (bytes.size() < max_connect_answer) return {};
        return {true, not_an_answer("sent a header that does not end within " + std::to_string(max_connect_answer) + " bytes", target, proxy)};
    }
    if (*status / 100 == 1 && *status != 101) return judge_connect_answer(bytes.substr(end + 4), target, proxy); // an interim answer
    if (*status / 100 == 2) {
        if (end + 4 == bytes.size()) return {true, std::nullopt};
        return {true, not_an_answer("sent more than its answer, though nothing was said to the server yet", target, proxy)};
    }
    Error error{Errc::http_status,
                question(target, proxy) + "answered with HTTP " + std::to_string(*status) + "; " + refusal_step(*status, target, proxy)};
    error.http_status = *status;
    error.server_text = one_line(line.substr(std::min<std::size_t>(13, line.size())));
    error.retryable = *status == 408 || *status == 425 || *status == 429 || *status >= 500;
    return {true, std::move(error)};
}

Error connect_cut_error(const std::string& problem, const Endpoint& target, const Proxy& proxy) {
    Error error{Errc::connect, question(target, proxy) + "closed the connection without an answer" + (problem.empty() ? "" : " (" + problem + ")")};
    error.retryable = true;
    return error;
}

} // namespace fluxgate::http
