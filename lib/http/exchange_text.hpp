// The text of an exchange: the request's header as sent, and what went wrong in words.
#pragma once

#include "http/client.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::http {

// ASCII letters as small ones.
std::string lower(std::string_view text);

// "host:port", IPv6 in brackets.
std::string place(const Endpoint& endpoint);

// "10s", "5m", "250ms": the largest unit that divides it.
std::string in_words(std::chrono::nanoseconds duration);

// Why a request must not be sent (a line break in a header would begin another one); "" when it may.
std::string request_problem(const Request& request);

// Request line and headers, Host and Content-Length among them.
std::string request_head(const Endpoint& endpoint, const Request& request);

// How a body was cut.
struct CutFacts {
    int status = 0;
    std::uint64_t wire_bytes = 0;
    std::optional<std::uint64_t> announced; // Content-Length
    std::string problem;                    // "" for an orderly close
    std::chrono::nanoseconds unattended{};  // > 0: found after the caller had let the answer wait that long
};

// What an exchange was waiting for when a deadline passed.
enum class Waiting { connection, request_taken, answer, rest_of_head, body };

// `doing` is the transport's own text, for a connection.
Error late_error(const Endpoint& endpoint, Waiting what, std::chrono::nanoseconds limit, const std::string& doing, std::uint64_t wire_bytes);

// A gzip answer that grows beyond limits.max_decompression_ratio.
Error ratio_error(const Endpoint& endpoint, const Limits& limits, std::uint64_t wire_bytes, std::uint64_t decoded_bytes);

Error cut_error(const Endpoint& endpoint, const CutFacts& facts);
Error bad_answer_error(const Endpoint& endpoint, const std::string& what);
Error endless_chunk_error(const Endpoint& endpoint, std::size_t bound);
Error no_answer_error(const Endpoint& endpoint, const std::string& problem, const std::string& send_problem, std::size_t header_bytes,
                      bool tls_refused);
std::string closed_framing_reason(bool back_pressure);

} // namespace fluxgate::http
