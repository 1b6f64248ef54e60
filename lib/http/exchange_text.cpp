#include "http/exchange_text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace fluxgate::http {
namespace {

bool breaks_line(std::string_view text) {
    return text.find_first_of(std::string_view{"\r\n\0", 3}) != std::string_view::npos;
}

bool equal_without_case(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (std::tolower(static_cast<unsigned char>(a[i])) != std::tolower(static_cast<unsigned char>(b[i]))) return false;
    }
    return true;
}

std::string bracketed(const Endpoint& endpoint) {
    return endpoint.host.find(':') == std::string::npos ? endpoint.host : "[" + endpoint.host + "]";
}

} // namespace

std::string lower(std::string_view text) {
    std::string out{text};
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

std::string_view Head::header(std::string_view name) const noexcept {
    for (const auto& field : headers) {
        if (equal_without_case(field.first, name)) return field.second;
    }
    return {};
}

std::string place(const Endpoint& endpoint) {
    return bracketed(endpoint) + ":" + std::to_string(endpoint.port);
}

std::string in_words(std::chrono::nanoseconds duration) {
    struct Unit {
        std::int64_t size;
        const char* name;
    };
    static constexpr std::array<Unit, 5> units{
        {{3'600'000'000'000, "h"}, {60'000'000'000, "m"}, {1'000'000'000, "s"}, {1'000'000, "ms"}, {1'000, "us"}}};
    for (const Unit& unit : units) {
        if (duration.count() >= unit.size && duration.count() % unit.size == 0) return std::to_string(duration.count() / unit.size) + unit.name;
    }
    return std::to_string(duration.count()) + "ns";
}

std::string request_problem(const Request& request) {
    if (request.target.empty() || request.target.front() != '/' || breaks_line(request.target) || request.target.find(' ') != std::string::npos)
        return "the request's target must begin with '/' and hold neither a space nor a line break";
    for (const auto& header : request.headers) {
        if (breaks_line(header.first) || breaks_line(header.second))
            return "the request's header '" + (breaks_line(header.first) ? std::string{"?"} : header.first) +
                   "' holds a line break or a NUL. Check the secret or setting that it is made of";
    }
    return {};
}

std::string request_head(const Endpoint& endpoint, const Request& request) {
    const bool default_port = endpoint.port == (endpoint.https ? 443 : 80);
    std::string out = request.method + ' ' + request.target + " HTTP/1.1\r\nHost: " + (default_port ? bracketed(endpoint) : place(endpoint)) + "\r\n";
    for (const auto& header : request.headers)
        out += header.first + ": " + header.second + "\r\n";
    if (!request.body.empty() || (request.method != "GET" && request.method != "HEAD"))
        out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
    return out += "\r\n";
}

Error cut_error(const Endpoint& endpoint, const CutFacts& facts) {
    const std::string how = facts.problem.empty() ? std::string{} : " (" + facts.problem + ")";
    const std::string extent = "after " + std::to_string(facts.wire_bytes) + " body bytes" +
                               (facts.announced ? " of " + std::to_string(*facts.announced) : std::string{"; the last chunk never came"});
    Error error{Errc::incomplete, {}};
    error.http_status = facts.status;
    error.retryable = true;
    if (facts.unattended > std::chrono::nanoseconds::zero()) {
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(facts.unattended);
        error.message = "the connection to " + place(endpoint) + " was closed during back-pressure" + how + ", " + extent + ": for " + in_words(ms) +
                        " the stages behind this source took nothing, and the server did not wait. Look for the slow stage";
        error.details = R"({"cause":"back-pressure","unattendedMs":)" + std::to_string(ms.count()) + "}";
        return error;
    }
    error.message = "the connection to " + place(endpoint) + " was closed in the middle of the answer" + how + ", " + extent;
    return error;
}

Error late_error(const Endpoint& endpoint, Waiting what, std::chrono::nanoseconds limit, const std::string& doing, std::uint64_t wire_bytes) {
    const std::string where = place(endpoint);
    const std::string within = in_words(limit);
    Error error{Errc::timeout, {}};
    error.retryable = true;
    switch (what) {
    case Waiting::connection: error.message = "no connection to " + where + " within " + within + " (timeouts.connect): " + doing; break;
    case Waiting::request_taken: error.message = where + " did not take the request within " + within + " (timeouts.firstByte)"; break;
    case Waiting::answer: error.message = where + " did not begin to answer within " + within + " (timeouts.firstByte)"; break;
    case Waiting::rest_of_head: error.message = where + " stopped in the middle of the answer's header for " + within + " (timeouts.idle)"; break;
    case Waiting::body:
        error.message = where + " sent nothing for " + within + " (timeouts.idle) in the middle of the answer, after " + std::to_string(wire_bytes) +
                        " body bytes";
        break;
    }
    return error;
}

Error ratio_error(const Endpoint& endpoint, const Limits& limits, std::uint64_t wire_bytes, std::uint64_t decoded_bytes) {
    return Error{Errc::limit, "the gzip answer of " + place(endpoint) + " makes " + std::to_string(decoded_bytes) + " bytes of " +
                                  std::to_string(wire_bytes) + ", more than " + std::to_string(limits.max_decompression_ratio) +
                                  " times as many (limits.maxDecompressionRatio). Rows do not shrink like that: find out who answers "
                                  "there, or set `compression` to \"none\""};
}

Error bad_answer_error(const Endpoint& endpoint, const std::string& what) {
    Error error{Errc::http, "the answer of " + place(endpoint) + " is not usable: " + what};
    error.retryable = true;
    return error;
}

Error endless_chunk_error(const Endpoint& endpoint, std::size_t bound) {
    return bad_answer_error(endpoint,
                            "a chunk's size line, or the fields behind the last chunk, do not end within " + std::to_string(bound) + " bytes");
}

Error no_answer_error(const Endpoint& endpoint, const std::string& problem, const std::string& send_problem, std::size_t header_bytes,
                      bool tls_refused) {
    if (tls_refused)
        return Error{Errc::tls, "TLS with " + place(endpoint) + " failed: the server refused us after the handshake (" + problem +
                                    "). It may ask for a client certificate (tls.certFile, tls.keyFile)"};
    const std::string why = !send_problem.empty() ? " (" + send_problem + ")" : problem.empty() ? std::string{} : " (" + problem + ")";
    Error error{header_bytes == 0 ? Errc::connect : Errc::incomplete, {}};
    error.retryable = true;
    error.message = header_bytes == 0 ? place(endpoint) + " closed the connection without an answer" + why
                                      : place(endpoint) + " closed the connection in the middle of the answer's header" + why + ", after " +
                                            std::to_string(header_bytes) + " bytes";
    return error;
}

std::string closed_framing_reason(bool back_pressure) {
    const std::string_view what = "the server ended the answer by closing the connection, without a last chunk or a Content-Length: nobody can tell "
                                  "whether it is whole";
    return back_pressure ? "closed during back-pressure: " + std::string{what} : std::string{what};
}

} // namespace fluxgate::http
