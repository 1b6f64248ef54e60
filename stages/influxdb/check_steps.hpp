// The steps of a check and what is said of each: pure functions from what was seen to words for a person.
#pragma once

#include "fluxgate/error.hpp"
#include "http/client.hpp"
#include "settings.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::influxdb {

// In the order in which they are tried and told.
enum class Step { secret, resolve, tcp, tls, server, clock, authentication, organization, query, partition };
constexpr int step_count = 10;

enum class Status { ok, warning, failed, not_reached, skipped };

// What is said of a step. Lines of `text` are parted by line feeds; cause and next are for what is not ok.
struct Finding {
    Status status = Status::ok;
    std::string text;
    std::string cause = {};
    std::string next = {};
};

// One line of fg_source_api.check. Text that is not UTF-8 is replaced.
[[nodiscard]] std::string step_line(Step step, const Finding& finding, std::int64_t took_ns);

// Only InfluxDB, or a proxy in front of it, sends these headers.
[[nodiscard]] bool names_influx(const http::Head& head);

// The step at which an exchange broke that had no answer.
[[nodiscard]] Step failed_step(const Error& error, const http::ConnectionReport& report, bool https);
// The failure of the steps resolve to server: the error, its likely cause, the next step.
[[nodiscard]] Finding connection_failure(Step step, const Error& error, const Settings& settings);

[[nodiscard]] Finding resolve_finding(const Settings& settings, const http::ConnectionReport& report);
[[nodiscard]] Finding tcp_finding(const http::ConnectionReport& report);
// Warns below 14 days.
[[nodiscard]] Finding tls_finding(const Settings& settings, const http::ConnectionReport& report, std::int64_t now_unix_s);

struct Version {
    int major = 0, minor = 0;
};
// "2.7.1", "v2.7.1", "2.7-sample"; nothing for "dev".
[[nodiscard]] std::optional<Version> parse_version(std::string_view text);

// What the server says of itself without a token. `version` is the X-Influxdb-Version header or the "version" of /health,
// `build` the X-Influxdb-Build header; empty when it sent none.
struct ServerSays {
    int status = 0; // of /ping
    std::string version, build, location;
};
[[nodiscard]] Finding server_finding(const ServerSays& says);

// The difference between the server's clock and ours. The Date header holds whole seconds, so it is known to half a second and
// half the time that the exchange took. Warns when it is surely more than a second. `date`: the header's text.
[[nodiscard]] Finding clock_finding(std::string_view date, std::int64_t sent_wall_ns, std::int64_t received_wall_ns);

// One request decides three steps.
struct QueryVerdict {
    Finding authentication, organization, query;
};
// What the request of the query came to. `error` is empty when it went well; `influx` says that the answer's header named
// InfluxDB (and not, say, a proxy).
struct QueryOutcome {
    std::optional<Error> error;
    bool influx = false;
    bool rows = false; // rows came although none were asked for
};
[[nodiscard]] QueryVerdict judge_query(const Settings& settings, const QueryOutcome& outcome);

} // namespace fluxgate::influxdb
