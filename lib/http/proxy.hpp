// Which proxy a connection goes through, by the environment's variables, and what is said to it.
//
// Variables: `https_proxy` or `HTTPS_PROXY` for https, `http_proxy` or `HTTP_PROXY` for http, `no_proxy` or `NO_PROXY` for what is
// reached directly; lower case wins, an empty one counts as absent. In a process that a web server started as CGI (REQUEST_METHOD is
// set) upper-case HTTP_PROXY is a header of the request, set by whoever sent it: there it does not count.
// Both kinds of target are reached with CONNECT (RFC 9110, 9.3.6), so the proxy sees neither token nor answer of https, and no
// proxy changes, stores or re-frames what it carries of http. A proxy that allows CONNECT to port 443 alone must be told.
#pragma once

#include "http/client.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::http {

// The value of an environment variable; nothing when it is not set.
using EnvironmentLookup = std::function<std::optional<std::string>(const std::string& name)>;

[[nodiscard]] std::optional<std::string> process_environment(const std::string& name);

// The proxy for `target`, or none. Loopback targets (localhost, 127.0.0.0/8, ::1) never have one. Errors: Errc::configuration, naming
// the variable and never its value.
[[nodiscard]] Result<std::optional<Proxy>> proxy_for(const Endpoint& target, const EnvironmentLookup& environment);

// proxy_for as a route; an unusable variable is the route's problem.
[[nodiscard]] Route route_for(const Endpoint& target, const EnvironmentLookup& environment = process_environment);

// Whether a NO_PROXY list names the target. Items are parted by commas or blanks: `*`; a name, for itself and all names below it
// ("example.com", ".example.com", "*.example.com" are the same); an address; a network "10.0.0.0/8"; name or address with ":port".
[[nodiscard]] bool no_proxy_names(std::string_view list, const Endpoint& target);

// What the proxy is asked.
[[nodiscard]] std::string connect_request(const Endpoint& target, const Proxy& proxy);

// The proxy's answer, read so far.
struct ConnectAnswer {
    bool whole = false;           // its header is there; else read on, up to max_connect_answer bytes
    std::optional<Error> failure; // set: the proxy refused, or said something else than an answer
};
constexpr std::size_t max_connect_answer = 64u << 10;
[[nodiscard]] ConnectAnswer judge_connect_answer(std::string_view bytes, const Endpoint& target, const Proxy& proxy);

// The proxy went away (`problem`; "" for an orderly close) before it had answered.
[[nodiscard]] Error connect_cut_error(const std::string& problem, const Endpoint& target, const Proxy& proxy);

} // namespace fluxgate::http
