// The parsing of one HTTP/1.1 response out of the caller's flat buffer, body bytes handed on where they stand.
#pragma once

#include "http/client.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::http {

// Receives the body without its chunk framing. A view is valid during the call.
class BodyTarget {
public:
    virtual ~BodyTarget() = default;
    // Answers how many bytes were taken; fewer than given means "no more now": parsing stops there.
    virtual std::size_t on_wire_body(std::string_view bytes) = 0;
};

class ResponseParser {
public:
    enum class Status {
        need_more, // the bytes in hand are used up, or are an unfinished header or chunk header
        header,    // the header was completed by this call; the body was not touched
        stopped,   // the target took less than it was given
        done,      // the message ended
        bad        // not HTTP, or over a limit: see problem()
    };

    ResponseParser();
    ~ResponseParser();

    // Forgets everything and expects a status line. `target` must outlive the message.
    void reset(const Limits& limits, bool body_forbidden, BodyTarget& target);

    // Parses `bytes`; `used` answers how many of them are behind the parser. Bytes not used must be given again, with more behind them.
    Status put(std::string_view bytes, std::size_t& used);

    // The connection ended: done when the body was of the kind that ends so, else need_more ("cut").
    Status put_eof();

    [[nodiscard]] bool started() const;     // at least one byte was parsed
    [[nodiscard]] bool header_done() const; // the header is complete
    [[nodiscard]] int status() const;
    [[nodiscard]] Head head() const;                                   // after header_done()
    [[nodiscard]] bool chunked() const;                                // framing by chunks
    [[nodiscard]] std::optional<std::uint64_t> content_length() const; // framing by length
    [[nodiscard]] bool ends_by_close() const;                          // a body without either
    [[nodiscard]] bool keep_alive() const;
    [[nodiscard]] const std::string& problem() const; // what was wrong, in words

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace fluxgate::http
