#include "observe/answer.hpp"

#include "observe/health.hpp"
#include "observe/metrics_page.hpp"
#include "observe/status_json.hpp"
#include "observe/status_page.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <optional>

namespace fluxgate::observe {

namespace {

constexpr const char* no_content = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

void protect(Answer& answer, const char* policy) {
    answer.headers.insert(answer.headers.end(), {{"Cache-Control", "no-store"},
                                                 {"Content-Security-Policy", policy},
                                                 {"Cross-Origin-Opener-Policy", "same-origin"},
                                                 {"Cross-Origin-Resource-Policy", "same-origin"},
                                                 {"Referrer-Policy", "no-referrer"},
                                                 {"X-Content-Type-Options", "nosniff"},
                                                 {"X-Frame-Options", "DENY"}});
}

Answer content(const char* type, std::string body, const char* policy = no_content) {
    Answer out;
    out.content_type = type;
    out.body = std::move(body);
    protect(out, policy);
    return out;
}

Answer refusal(int status, std::string text) {
    Answer out;
    out.status = status;
    out.body = std::move(text) + '\n';
    protect(out, no_content);
    return out;
}

Answer json(Verdict verdict) {
    Answer out = content("application/json", std::move(verdict.json));
    out.status = verdict.good ? 200 : 503;
    return out;
}

std::string lower(std::string_view text) {
    std::string out{text};
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

bool is_link_to_page(const Request& request, std::string_view path) {
    return path == "/" && request.fetch_mode == "navigate" && request.fetch_dest == "document";
}

// Why a browser's request is refused, if so. Programs send none of these headers.
std::optional<Answer> foreign(const Request& request, std::string_view path) {
    const bool other_site = !request.fetch_site.empty() && request.fetch_site != "same-origin" && request.fetch_site != "none";
    if (other_site && !is_link_to_page(request, path)) return refusal(403, "Requests from other sites are refused.");
    if (request.origin.empty()) return std::nullopt;
    if (lower(request.origin) == "http://" + lower(request.host)) return std::nullopt;
    return refusal(403, "Requests of another origin are refused.");
}

} // namespace

bool names_loopback(std::string_view host) {
    std::string name = lower(host);
    if (!name.empty() && name.front() == '[') {
        const std::size_t end = name.find(']');
        return end != std::string::npos && name.substr(0, end + 1) == "[::1]" && (end + 1 == name.size() || name[end + 1] == ':');
    }
    name = name.substr(0, name.rfind(':'));
    if (!name.empty() && name.back() == '.') name.pop_back();
    if (name == "localhost" || name.ends_with(".localhost")) return true;
    in_addr address{};
    return inet_pton(AF_INET, name.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

Answer Pages::answer(const Request& request) const {
    const std::string_view path = std::string_view{request.target}.substr(0, request.target.find('?'));
    if (request.method != "GET" && request.method != "HEAD") {
        Answer out = refusal(405, "Only GET and HEAD are answered here.");
        out.headers.emplace_back("Allow", "GET, HEAD");
        return out;
    }
    if (request.has_body) return refusal(400, "A request with a body is not answered here.");
    if (request.host.empty()) return refusal(400, "The request names no host.");
    if (loopback_ && !names_loopback(request.host))
        return refusal(
            421, "This address answers to localhost, 127.0.0.1 and [::1] only: the request is for another host. To be reached by a name, listen on "
                 "another address (--metrics ADDRESS:PORT).");
    if (std::optional<Answer> refused = foreign(request, path)) return std::move(*refused);
    if (path == "/") return content("text/html; charset=utf-8", status_page(), status_page_policy().c_str());
    // What rows say is shown only to this machine.
    if (path == "/status.json") return content("application/json", status_json(report_(), loopback_));
    if (path == "/metrics") return content("text/plain; version=0.0.4; charset=utf-8", metrics_page(report_()));
    if (path == "/healthz") return json(healthz(report_()));
    if (path == "/readyz") return json(readyz(report_()));
    return refusal(404, "There is nothing here. Try /, /metrics, /healthz or /readyz.");
}

} // namespace fluxgate::observe
