#include "poll/machine.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

namespace fluxgate::poll {
namespace {

std::string lower(std::string_view text) {
    std::string out{text};
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

template <std::size_t N>
bool holds_any(const std::string& text, const std::array<std::string_view, N>& words) {
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

// What a server says that has too much to do or is going down: it heals by itself. "queue length exceeded" is 2.x's query
// controller, "memory allocation limit" the memory that all its queries share. The others count only when the text names no place in
// the script: a query may say "shutdown" too.
bool is_overload(const std::string& text) {
    static constexpr std::array<std::string_view, 4> always{"queue length exceeded", "memory allocation limit", "max-concurrent-queries",
                                                            "max concurrent queries"};
    static constexpr std::array<std::string_view, 9> without_place{"too many requests", "too many concurrent",       "overload",
                                                                   "rate limit",        "temporarily unavailable",   "shutting down",
                                                                   "shutdown",          "context deadline exceeded", "context canceled"};
    return holds_any(text, always) || (text.find("error @") == std::string::npos && holds_any(text, without_place));
}

// What Flux says of a query that will fail again. 1.8 answers it with status 500, so that the text alone tells.
// A position in the script ("error @1:8-1:9", "loc 1:1-1:6", "runtime error @...") is the surest sign.
bool is_query_fault(const std::string& text) {
    static constexpr std::array<std::string_view, 13> words{"error @",
                                                            "loc 1:",
                                                            "compilation failed",
                                                            "undefined identifier",
                                                            "error in building plan",
                                                            "failed to initialize execute state",
                                                            "could not find bucket",
                                                            "database not found",
                                                            "no database",
                                                            "type error",
                                                            "error parsing query",
                                                            "failed to decode request body",
                                                            "unbounded read"};
    if (holds_any(text, words)) return true;
    const std::size_t loc = text.find("loc "); // "loc 12:3-12:9: ..."
    return loc != std::string::npos && loc + 4 < text.size() && std::isdigit(static_cast<unsigned char>(text[loc + 4])) != 0;
}

// A query that was accepted and then met data that it cannot take.
bool is_data_fault(const std::string& text) {
    static constexpr std::array<std::string_view, 3> words{"runtime error", "schema collision", "failed to evaluate"};
    return holds_any(text, words);
}

// What a query's failure means when it is not the server's load.
TroubleClass of_query(const std::string& text) {
    if (is_overload(text)) return TroubleClass::retry_soon;
    return is_data_fault(text) ? TroubleClass::retry_at_interval : TroubleClass::needs_person;
}

TroubleClass of_status(int status, const std::string& text) {
    if (status == 408 || status == 425 || status == 429 || status == 499) return TroubleClass::retry_soon;
    if (status == 400 || status == 422) return of_query(text);
    if (status == 500) return is_query_fault(text) || is_data_fault(text) ? of_query(text) : TroubleClass::retry_soon;
    if (status > 500) return status == 501 || status == 505 ? TroubleClass::needs_person : TroubleClass::retry_soon;
    return TroubleClass::needs_person; // other 4xx, and redirects, which are not followed
}

TroubleClass class_of(const Error& error) {
    switch (error.code) {
    case Errc::configuration:
    case Errc::jq:
    case Errc::unknown_stage:
    case Errc::plugin:
    case Errc::not_implemented: return TroubleClass::configuration;
    case Errc::http_status: return of_status(error.http_status, lower(error.server_text));
    case Errc::query:
        return is_overload(lower(error.server_text.empty() ? error.message : error.server_text)) ? TroubleClass::retry_soon
                                                                                                 : TroubleClass::retry_at_interval;
    case Errc::tls: return error.retryable ? TroubleClass::retry_soon : TroubleClass::needs_person; // interrupted, or a certificate
    case Errc::secret:
    case Errc::invalid_argument:
    case Errc::internal:
    case Errc::limit:
    case Errc::io:
    case Errc::dead_letter:
    case Errc::state: return TroubleClass::needs_person;
    case Errc::resolve:
    case Errc::connect:
    case Errc::timeout:
    case Errc::http:
    case Errc::incomplete:
    case Errc::corrupt:
    case Errc::retries_exhausted:
    case Errc::cancelled:
    case Errc::output_closed: break;
    }
    return TroubleClass::retry_soon;
}

} // namespace

Trouble classify(const Error& error, std::optional<Nanoseconds> retry_after) {
    return {class_of(error), retry_after};
}

} // namespace fluxgate::poll
