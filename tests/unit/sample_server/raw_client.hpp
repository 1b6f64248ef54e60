// Sends bytes over a socket and keeps what comes back, so that tests see the wire itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace raw {

struct Reply {
    int status = 0;
    std::string head;      // status line and fields
    std::string wire;      // the body as it came, framing included
    std::string body;      // chunk framing removed
    bool complete = false; // a last chunk, or as many bytes as Content-Length says
    bool reset = false;    // the connection was reset
    [[nodiscard]] bool has(std::string_view line) const { return head.find(line) != std::string::npos; }
};

// One connection, one request, read until the server closes. With a CA file over TLS, verified for `localhost`.
Reply exchange(std::uint16_t port, const std::string& request, const std::string& ca_file = {});

// A POST of the query with everything in order; `fields` are more header lines, `target` what stands before the body.
std::string post(const std::string& body, const std::string& fields = "", const std::string& target = "/api/v2/query?org=test-org",
                 const std::string& token = "sample-token");

// The members of a gzip body; `rest` gets what follows the first member. Empty when the trailer is missing or wrong.
std::string gunzip(std::string_view bytes, std::string& rest, bool& complete);

} // namespace raw
