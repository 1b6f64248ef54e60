// Errors are values: a code with one meaning, and diagnostics for a person.
#pragma once

#include "fluxgate/stage.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace fluxgate {

// The one enumeration of errors; the values are those of fg_code, so a code crosses the C ABI unchanged.
enum class Errc : std::int32_t {
    internal = FG_ERR_INTERNAL,
    not_implemented = FG_ERR_NOT_IMPLEMENTED,
    invalid_argument = FG_ERR_INVALID_ARGUMENT,
    configuration = FG_ERR_CONFIGURATION,
    unknown_stage = FG_ERR_UNKNOWN_STAGE,
    plugin = FG_ERR_PLUGIN,
    secret = FG_ERR_SECRET,
    resolve = FG_ERR_RESOLVE,
    connect = FG_ERR_CONNECT,
    tls = FG_ERR_TLS,
    timeout = FG_ERR_TIMEOUT,
    http = FG_ERR_HTTP,
    http_status = FG_ERR_HTTP_STATUS,
    incomplete = FG_ERR_INCOMPLETE,
    corrupt = FG_ERR_CORRUPT,
    query = FG_ERR_QUERY,
    retries_exhausted = FG_ERR_RETRIES_EXHAUSTED,
    cancelled = FG_ERR_CANCELLED,
    limit = FG_ERR_LIMIT,
    io = FG_ERR_IO,
    output_closed = FG_ERR_OUTPUT_CLOSED,
    dead_letter = FG_ERR_DEAD_LETTER,
    state = FG_ERR_STATE,
    jq = FG_ERR_JQ,
};

// A short fixed sentence for a code, e.g. "the TLS handshake failed". Never empty, also for unknown values.
constexpr std::string_view message_of(Errc code) noexcept;

// What went wrong. `message` says what, where and what to do, in our words; `server_text` is untrusted text that the
// server sent; `details` is JSON text or empty. Secrets never appear in it.
struct Error {
    Errc code = Errc::internal;
    std::string message;
    std::string server_text = {};
    std::string details = {};
    int http_status = 0;
    bool retryable = false;

    // "message (the server said: ...)", for logs and terminals.
    [[nodiscard]] std::string text() const {
        std::string out = message.empty() ? std::string{message_of(code)} : message;
        if (!server_text.empty()) {
            out += " (the server said: ";
            out += server_text;
            out += ')';
        }
        return out;
    }
};

// A value or an Error. Must be used.
template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return ok(); }

    // Precondition: ok().
    T& value() & { return std::get<0>(state_); }
    const T& value() const& { return std::get<0>(state_); }
    T&& value() && { return std::get<0>(std::move(state_)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    // Precondition: !ok().
    Error& error() & { return std::get<1>(state_); }
    const Error& error() const& { return std::get<1>(state_); }
    Error&& error() && { return std::get<1>(std::move(state_)); }

private:
    std::variant<T, Error> state_;
};

// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)), failed_(true) {}

    [[nodiscard]] bool ok() const noexcept { return !failed_; }
    explicit operator bool() const noexcept { return ok(); }
    Error& error() & { return error_; }
    const Error& error() const& { return error_; }
    Error&& error() && { return std::move(error_); }

private:
    Error error_;
    bool failed_ = false;
};

constexpr std::string_view message_of(Errc code) noexcept {
    switch (code) {
    case Errc::internal: return "a defect in the program";
    case Errc::not_implemented: return "this is not offered";
    case Errc::invalid_argument: return "a call broke its contract";
    case Errc::configuration: return "the configuration is not valid";
    case Errc::unknown_stage: return "no plugin offers this stage type";
    case Errc::plugin: return "a plugin cannot be used";
    case Errc::secret: return "a secret cannot be resolved";
    case Errc::resolve: return "the host name cannot be resolved";
    case Errc::connect: return "the server cannot be reached";
    case Errc::tls: return "the TLS handshake failed";
    case Errc::timeout: return "a deadline passed";
    case Errc::http: return "the answer is not proper HTTP";
    case Errc::http_status: return "the server refused the request";
    case Errc::incomplete: return "the answer ended too early";
    case Errc::corrupt: return "the answer is not proper annotated CSV";
    case Errc::query: return "the query failed on the server";
    case Errc::retries_exhausted: return "the configured number of tries is used up";
    case Errc::cancelled: return "cancelled";
    case Errc::limit: return "a configured bound was reached";
    case Errc::io: return "a file or device failed";
    case Errc::output_closed: return "the reader of the output went away";
    case Errc::dead_letter: return "a dead letter cannot be written";
    case Errc::state: return "the state store cannot be used";
    case Errc::jq: return "a jq expression failed";
    }
    return "an unknown error";
}

} // namespace fluxgate
