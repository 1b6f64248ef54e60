#include "check_steps.hpp"

#include "message/buffer.hpp"
#include "message/json_text.hpp"
#include "poll/machine.hpp"
#include "request.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace fluxgate::influxdb {

namespace {

constexpr std::int64_t ns_per_s = 1'000'000'000;
constexpr int few_days = 14;

constexpr std::array<std::string_view, step_count> step_names{"secret", "resolve",        "tcp",          "tls",   "server",
                                                              "clock",  "authentication", "organization", "query", "partition"};

std::string_view status_name(Status status) {
    switch (status) {
    case Status::ok: return "ok";
    case Status::warning: return "warning";
    case Status::failed: return "failed";
    case Status::not_reached: return "not_reached";
    case Status::skipped: return "skipped";
    }
    return "failed";
}

std::string seconds_text(double seconds) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.1f s", seconds);
    return text.data();
}

// The advice that ends an error's message ("what happened. Do this"), apart from the rest.
struct Told {
    std::string what, advice;
};
Told told(const std::string& message) {
    for (std::size_t at = message.rfind(". "); at != std::string::npos && at > 0; at = message.rfind(". ", at - 1)) {
        const char first = at + 2 < message.size() ? message[at + 2] : ' ';
        if (first >= 'A' && first <= 'Z') return {message.substr(0, at), static_cast<char>(first - 'A' + 'a') + message.substr(at + 3)};
    }
    return {message, {}};
}

bool holds(std::string_view text, std::string_view word) {
    return text.find(word) != std::string_view::npos;
}

std::string tls_cause(std::string_view message) {
    struct Rule {
        std::string_view word, cause;
    };
    static constexpr std::array<Rule, 7> rules{{
        {" expired at ", "the certificate was not renewed in time, or this machine's clock is wrong"},
        {"not yet valid", "this machine's clock is behind, or the certificate was made for a later time"},
        {"is not for the host", "the host in `url` is another name than those that the certificate is for"},
        {"unknown to", "the server uses a certificate of a private authority, or one that it signed itself"},
        {"does not speak TLS", "`url` says https, but plain HTTP is spoken on this port"},
        {"refused the handshake", "the server asks for a client certificate or another version of TLS"},
        {"tls.", "a file that is named under tls cannot be used"},
    }};
    for (const Rule& rule : rules)
        if (holds(message, rule.word)) return std::string{rule.cause};
    return "the server, or something on the way to it, does not agree with this machine on TLS";
}

std::string connect_cause(std::string_view message) {
    if (holds(message, "refused")) return "nothing listens on this port: the server does not run, or the port is another one";
    if (holds(message, "unreachable") || holds(message, "No route")) return "this machine has no network that leads to that address";
    return "the server does not run, or a firewall is in the way";
}

std::string no_answer_cause(const Settings& settings) {
    return settings.url.https ? "something else than InfluxDB listens on this port"
                              : "the port expects HTTPS while `url` says http, or something else than InfluxDB listens on it";
}

std::string cause_of(Step step, const Error& error, const Settings& settings) {
    switch (error.code) {
    case Errc::resolve: return "the host in `url` is misspelt, or this machine's DNS does not know it";
    case Errc::tls: return tls_cause(error.message);
    case Errc::timeout:
        if (step == Step::tls) return "the port speaks plain HTTP while `url` says https, or a firewall drops what is sent";
        return step == Step::server || step == Step::query ? "the server is overloaded, or not the one that is meant"
                                                           : "a firewall drops what is sent, or the address is another machine's";
    case Errc::connect: return step == Step::server ? no_answer_cause(settings) : connect_cause(error.message);
    case Errc::http:
    case Errc::incomplete: return no_answer_cause(settings);
    default: return std::string{message_of(error.code)};
    }
}

std::string default_advice(Step step) {
    switch (step) {
    case Step::resolve: return "check the host in `url`";
    case Step::tcp: return "check host and port in `url`, that the server runs, and firewalls";
    case Step::tls: return "check `url`, port and the settings under tls";
    default: return "check `url` and port, and what runs there";
    }
}

constexpr std::string_view shifted_strings =
    "in a string column that holds an empty string, a server before 2.9 (Flux 0.196) sends the values after it one row too early";

Finding warning(std::string text, std::string_view cause, std::string_view next) {
    return {Status::warning, std::move(text), std::string{cause}, std::string{next}};
}

} // namespace

std::string step_line(Step step, const Finding& finding, std::int64_t took_ns) {
    std::array<char, 32> milliseconds{};
    std::snprintf(milliseconds.data(), milliseconds.size(), "%.1f", static_cast<double>(took_ns) / 1e6);
    message::Buffer out;
    out.append("{\"step\":\"");
    out.append(step_names.at(static_cast<std::size_t>(step)));
    out.append("\",\"status\":\"");
    out.append(status_name(finding.status));
    out.append("\",\"milliseconds\":");
    out.append(milliseconds.data());
    const auto put = [&out](std::string_view name, std::string_view text) {
        out.append(name);
        message::append_escaped(out, text);
        out.append("\"");
    };
    put(",\"text\":\"", finding.text);
    put(",\"cause\":\"", finding.cause);
    put(",\"next\":\"", finding.next);
    out.append("}");
    return std::string{out.view()};
}

bool names_influx(const http::Head& head) {
    return !head.header("X-Influxdb-Version").empty() || !head.header("X-Influxdb-Build").empty() || !head.header("X-Platform-Error-Code").empty();
}

Step failed_step(const Error& error, const http::ConnectionReport& report, bool https) {
    if (error.code == Errc::tls) return Step::tls;
    if (error.code == Errc::resolve || !report.resolve.done) return Step::resolve;
    if (!report.connect.done || (!report.proxy_address.empty() && !report.proxy.done)) return Step::tcp;
    return https && !report.tls.done ? Step::tls : Step::server;
}

Finding connection_failure(Step step, const Error& error, const Settings& settings) {
    const Told parts = told(error.message);
    return {Status::failed, one_line(parts.what), cause_of(step, error, settings), parts.advice.empty() ? default_advice(step) : parts.advice};
}

Finding resolve_finding(const Settings& settings, const http::ConnectionReport& report) {
    std::string addresses;
    for (const std::string& address : report.addresses)
        addresses += (addresses.empty() ? "" : ", ") + address;
    const std::string host = report.proxy_address.empty() ? settings.url.host : "the proxy " + report.proxy_address;
    if (report.addresses.size() == 1 && addresses == host) return {Status::ok, host + " is an address"};
    return {Status::ok, host + " is " + (addresses.empty() ? "known" : addresses)};
}

Finding tcp_finding(const http::ConnectionReport& report) {
    std::string text = "connected to " + (report.peer.empty() ? "the server" : report.peer);
    if (!report.proxy_address.empty()) text += ", the proxy " + report.proxy_address;
    return {Status::ok, std::move(text)};
}

Finding tls_finding(const Settings& settings, const http::ConnectionReport& report, std::int64_t now_unix_s) {
    if (!settings.url.https) return {Status::skipped, "`url` says http: nothing is encrypted"};
    const std::int64_t days = (report.certificate_not_after - now_unix_s) / 86400;
    Finding out{Status::ok,
                report.tls_version + ", certificate of " + one_line(report.certificate_subject) + " by " + one_line(report.certificate_issuer) +
                    ", " + (report.certificate_not_after < now_unix_s ? "expired" : std::to_string(days) + (days == 1 ? " day" : " days") + " left")};
    if (settings.tls.insecure_skip_verify) {
        out = warning(out.text + "\nnot verified", "tls.insecureSkipVerify is set: anybody on the way can read the token and change the data",
                      "set tls.caFile to the authority's certificate instead");
    } else if (days < few_days) {
        out = warning(out.text, "the certificate ends soon; then every connection fails", "renew it on the server");
    }
    return out;
}

std::optional<Version> parse_version(std::string_view text) {
    if (!text.empty() && text.front() == 'v') text.remove_prefix(1);
    Version out;
    const auto number = [&text](int& value) {
        const std::size_t size = std::min(text.find_first_not_of("0123456789"), text.size());
        if (size == 0 || size > 4) return false;
        value = 0;
        for (const char c : text.substr(0, size))
            value = value * 10 + (c - '0');
        text.remove_prefix(size);
        return true;
    };
    if (!number(out.major) || text.empty() || text.front() != '.') return std::nullopt;
    text.remove_prefix(1);
    if (!number(out.minor)) return std::nullopt;
    return out;
}

Finding server_finding(const ServerSays& says) {
    const std::string name = one_line(says.version), build = one_line(says.build);
    if (says.status < 200 || says.status > 299) {
        const std::string status = "HTTP " + std::to_string(says.status);
        const std::string target = says.location.empty() ? "" : ", which points to " + one_line(says.location);
        return warning("/ping was answered with " + status + target,
                       "the path of `url` is not InfluxDB's, or a proxy lets only some requests through",
                       "look whether the steps that follow pass; they ask for what is needed");
    }
    const std::string who = "InfluxDB " + (name.empty() ? "of a version that it does not tell" : name) + (build.empty() ? "" : " (" + build + ")");
    const std::optional<Version> version = parse_version(says.version);
    if (!version) {
        if (name.empty() && build.empty())
            return warning("something answers, but does not say that it is InfluxDB", "a proxy that removes headers, or another program",
                           "check host and port in `url`");
        return warning(who + ": whether it is older than 2.9 could not be told", shifted_strings,
                       "look up the server's version with `influxd version`");
    }
    if (version->major == 2 && version->minor < 9)
        return warning(who, shifted_strings, "use 2.9 or later if your strings can be empty; no reader can repair it");
    if (version->major > 2) return warning(who, "InfluxDB 3 and later have no Flux", "this stage needs InfluxDB 2, or 1.8 with Flux enabled");
    return {Status::ok, who};
}

Finding clock_finding(std::string_view date, std::int64_t sent_wall_ns, std::int64_t received_wall_ns) {
    if (date.empty()) return {Status::skipped, "the server sends no Date header"};
    const std::optional<std::int64_t> at = poll::parse_http_date(date, received_wall_ns / ns_per_s);
    if (!at) return {Status::skipped, "the server's Date header is not a date: " + one_line(date)};
    // The server's clock showed some instant of that second at some instant of the exchange.
    const double wall = static_cast<double>(sent_wall_ns) / 1e9 + static_cast<double>(received_wall_ns - sent_wall_ns) / 2e9;
    const double difference = static_cast<double>(*at) + 0.5 - wall;
    const double within = 0.5 + static_cast<double>(received_wall_ns - sent_wall_ns) / 2e9;
    const double size = std::fabs(difference);
    if (size <= within) return {Status::ok, "no difference, to within " + seconds_text(within)};
    std::string text =
        "the server's clock is " + seconds_text(size) + (difference > 0 ? " ahead" : " behind") + ", to within " + seconds_text(within);
    if (size - within <= 1.0) return {Status::ok, std::move(text)};
    return warning(std::move(text), "one of the two machines does not keep its clock right",
                   "synchronise both with NTP: relative ranges like -1h count by the server's clock");
}

namespace {

Finding failed(std::string text, std::string cause, std::string next) {
    return {Status::failed, std::move(text), std::move(cause), std::move(next)};
}

std::string lower(std::string_view text) {
    std::string out{text};
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

// The error in one line: the status and the server's words, or ours.
std::string said(const Error& error) {
    const std::string words = one_line(error.server_text);
    if (error.http_status == 0) return words.empty() ? told(error.message).what : words;
    return "HTTP " + std::to_string(error.http_status) + (words.empty() ? "" : ": " + words);
}

// Cause and next step of an answer that tells a fault of the query itself.
Finding query_fault(const Settings& settings, const Error& error, const std::string& words) {
    if (error.http_status == 403)
        return failed(said(error), "the token may not read the bucket, or the server does not allow Flux",
                      "give the token read permission for the bucket; for InfluxDB 1.8, set flux-enabled = true");
    if (holds(words, "bucket") && holds(words, "could not find"))
        return failed(said(error), "there is no such bucket in \"" + settings.organization + "\", or the token may not read it",
                      "check the bucket's name in query.expression, and the token's permissions");
    if (holds(words, "unbounded read"))
        return failed(said(error), "the query has no range() after from()", "add a range to query.expression, e.g. |> range(start: -1h)");
    if (holds(words, "error @") || holds(words, "loc "))
        return failed(said(error), "the server does not understand the query, or it fails at the place shown", "correct query.expression");
    return failed(said(error), "the server refuses the query", "correct query.expression, or what the server names");
}

Finding untold() {
    return {Status::skipped, "could not be told from the answer"};
}

} // namespace

QueryVerdict judge_query(const Settings& settings, const QueryOutcome& outcome) {
    const Finding token{Status::ok, "the token is accepted"};
    const Finding organization{Status::ok, "\"" + settings.organization + "\" is accepted"};
    if (!outcome.error)
        return {token, organization, {Status::ok, outcome.rows ? "runs; the server sent rows, so only the first was read" : "runs to its end"}};

    const Error& error = *outcome.error;
    const std::string words = lower(error.server_text);
    const Finding not_reached{Status::not_reached, "not reached"};
    if (error.code == Errc::query || error.code == Errc::corrupt || (error.code == Errc::incomplete && error.http_status == 0)) {
        if (error.code == Errc::query) return {token, organization, query_fault(settings, error, words)};
        return {token, organization, failed(said(error), "the server, or a proxy, broke off its answer", "look into the server's log; try again")};
    }
    if (error.code != Errc::http_status) return {untold(), untold(), connection_failure(Step::query, error, settings)};

    const int status = error.http_status;
    if (status == 401 || (status == 403 && holds(words, "inactive")))
        return {failed(said(error), status == 401 ? "the server does not know the token" : "the token or its user is not active",
                       "check the token that the secret \"" + settings.secret_name + "\" holds; it belongs to one server and can be revoked"),
                not_reached, not_reached};
    if ((status == 400 || status == 404) && holds(words, "org") && (holds(words, "not found") || holds(words, "please provide")) &&
        !holds(words, "bucket"))
        return {token,
                failed(said(error), "the server has no organization \"" + settings.organization + "\", or the token does not belong to it",
                       "check organization: its name or its id"),
                not_reached};
    const bool trouble = poll::classify(error).kind == poll::TroubleClass::retry_soon;
    const bool path = status == 405 || (status >= 300 && status < 400) || (status == 404 && !holds(words, "could not find")) || !outcome.influx;
    if (trouble) {
        const Finding busy = failed(said(error), "the server, or a proxy before it, is overloaded or going down",
                                    "try again later; a running pipeline does so by itself");
        return status == 400 ? QueryVerdict{token, organization, busy} : QueryVerdict{untold(), untold(), busy};
    }
    if (path)
        return {untold(), untold(),
                failed(said(error), "the path of `url` does not lead to InfluxDB's API",
                       "check url, port and the path: " + address(settings.url) + "/api/v2/query was asked")};
    return {token, organization, query_fault(settings, error, words)};
}

} // namespace fluxgate::influxdb
