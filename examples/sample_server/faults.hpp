// Faults that the server commits on purpose, as values.
#pragma once

#include "fluxgate/error.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::sample {

struct Fault {
    enum class Kind {
        status,             // answers `status`, with Retry-After when retry_after is given; 502 and 504 with a proxy's HTML page
        queue_full,         // 400 "queue length exceeded", as an overloaded server answers
        delay_first_byte,   // thinks for `delay` before the header
        delay_rows,         // waits `delay` after each `count` rows, what was written until then being sent
        cut_after,          // closes the connection (FIN) after `count` bytes of the body on the wire, framing included
        reset_after,        // the same with a reset (RST)
        error_table_after,  // after `count` rows an error table ends the answer
        gzip_no_trailer,    // gzip whatever the size, without the last 8 bytes (only if the client accepts gzip)
        garbage_after_gzip, // gzip whatever the size, then an error in JSON behind the finished member
    };
    Kind kind = Kind::status;
    int status = 503;
    std::string retry_after = {}; // seconds or an HTTP date, sent as it stands
    std::chrono::milliseconds delay{0};
    std::uint64_t count = 0;
    // The queries it applies to, counted from 1 since the server began.
    std::uint64_t first = 1, last = std::numeric_limits<std::uint64_t>::max();

    [[nodiscard]] bool applies(std::uint64_t request) const { return request >= first && request <= last; }
};

// KIND[=VALUE][,retry-after=VALUE][,requests=N|A-B|A-], e.g. "status=429,retry-after=2,requests=1-3",
// "delay-first-byte=3s", "delay-rows=100:50ms", "cut-after=4096", "queue-full".
Result<Fault> parse_fault(std::string_view text);

// 250ms, 3s, 2m.
Result<std::chrono::milliseconds> parse_delay(std::string_view text);

// The faults of one request: the first one of each kind that applies.
class FaultsOfRequest {
public:
    FaultsOfRequest(const std::vector<Fault>& all, std::uint64_t request);
    // Null when no such fault applies. Valid as long as this object.
    [[nodiscard]] const Fault* find(Fault::Kind kind) const;

private:
    std::vector<Fault> active_;
};

} // namespace fluxgate::sample
