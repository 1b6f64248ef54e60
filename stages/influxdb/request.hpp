// The HTTP side of a query as pure functions: what is sent, and what an answer that is not rows means.
#pragma once

#include "fluxgate/error.hpp"
#include "http/client.hpp"
#include "settings.hpp"

#include <string>
#include <string_view>

namespace fluxgate::influxdb {

// POST {prefix}/api/v2/query?org=... with the dialect that asks for annotations (the wire's "Request"). With a range, it travels
// as `extern`, and its end as `now`. A query that is not empty is sent instead of the settings'.
[[nodiscard]] http::Request query_request(const Settings& settings, std::string_view token, const window::Edges* range = nullptr,
                                          std::string_view query = {});

// Whether gzip is asked for: `auto` means not from a loopback address.
[[nodiscard]] bool wants_gzip(const Settings& settings);

// "http://host:port/prefix", for messages.
[[nodiscard]] std::string address(const Url& url);

// One line of untrusted text: white space and control characters become single spaces, at most 1000 bytes.
[[nodiscard]] std::string one_line(std::string_view untrusted);

// The error of an answer whose status is not 2xx: the server's own words apart from ours, and the next step.
[[nodiscard]] Error status_error(const Settings& settings, const http::Head& head, std::string_view body);

} // namespace fluxgate::influxdb
