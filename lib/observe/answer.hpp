// Which request gets which answer. No sockets.
#pragma once

#include "observe/report.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fluxgate::observe {

// Of a request whose head was read; header values are "" when absent.
struct Request {
    std::string method, target;
    std::string host, origin, fetch_site, fetch_mode, fetch_dest;
    bool has_body = false;
};

struct Answer {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::vector<std::pair<std::string, std::string>> headers; // besides type and length
    std::string body;                                         // also for HEAD, which is not sent it
};

// Rules: read-only (GET and HEAD). On a loopback address only requests for a name of this machine are answered, whatever the port
// (it may be forwarded): a page elsewhere whose name was made to point here is refused. A request that a browser makes for another
// site is refused, but for a link to `/` itself. No answer is kept, framed, or guessed another type of.
class Pages {
public:
    // `report` is asked once a request that is answered with its content.
    Pages(bool loopback, std::function<Report()> report) : loopback_(loopback), report_(std::move(report)) {}

    [[nodiscard]] Answer answer(const Request& request) const;

private:
    bool loopback_;
    std::function<Report()> report_;
};

// Whether a Host header (or an Origin's authority) names this machine itself: localhost, something.localhost, 127.x.x.x or [::1],
// with any port.
[[nodiscard]] bool names_loopback(std::string_view host);

} // namespace fluxgate::observe
