#include "request.hpp"

#include "config/url.hpp"
#include "message/buffer.hpp"
#include "message/json_text.hpp"
#include "window/query.hpp"

#include <algorithm>
#include <rapidjson/document.h>

namespace fluxgate::influxdb {

namespace {

std::string percent_encoded(std::string_view s) {
    static constexpr char hex[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : s) {
        const auto u = static_cast<unsigned char>(c);
        const bool plain = (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || (u >= '0' && u <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            out += c;
        } else {
            out += '%';
            out += hex[u >> 4];
            out += hex[u & 15];
        }
    }
    return out;
}

std::string query_body(const Settings& settings, const window::Edges* range, std::string_view query) {
    message::Buffer body;
    body.append("{\"query\":\"");
    message::append_escaped(body, query.empty() ? std::string_view{settings.query} : query);
    body.append("\",\"type\":\"flux\",\"dialect\":{\"annotations\":[\"datatype\",\"group\",\"default\"],\"header\":true,\"delimiter\":\",\"}");
    if (range != nullptr) {
        const std::int64_t period = settings.incremental ? settings.incremental->window_period.count() : 0;
        body.append(",\"now\":\"" + window::format_instant(range->stop) + "\",\"extern\":" + window::extern_json(*range, period));
    }
    body.push_back('}');
    return std::string{body.view()};
}

// What a person would read of an HTML page, as proxies and other servers send: neither tags nor what stands in <style> and <script>.
std::string without_tags(std::string_view page) {
    std::string out;
    for (std::size_t at = 0; at < page.size();) {
        const std::size_t open = std::min(page.find('<', at), page.size());
        out.append(page, at, open - at).push_back(' ');
        std::size_t close = page.find('>', open);
        for (const std::string_view hidden : {"style", "script"})
            if (page.substr(std::min(open + 1, page.size()), hidden.size()) == hidden) close = page.find('>', page.find("</", open + 1));
        at = close == std::string_view::npos ? page.size() : close + 1;
    }
    return out;
}

// {"code","message"} of 2.x, {"error"} of 1.x, the X-Influxdb-Error header, or the body's text.
std::string server_words(const http::Head& head, std::string_view body) {
    rapidjson::Document parsed;
    parsed.Parse<rapidjson::kParseIterativeFlag>(body.data(), body.size());
    const rapidjson::Document& document = parsed;
    if (!document.HasParseError() && document.IsObject()) {
        for (const char* name : {"message", "error"}) {
            const auto member = document.FindMember(name);
            if (member != document.MemberEnd() && member->value.IsString())
                return one_line({member->value.GetString(), member->value.GetStringLength()});
        }
    }
    if (const std::string_view error = head.header("X-Influxdb-Error"); !error.empty()) return one_line(error);
    const std::size_t begin = body.find_first_not_of(" \t\r\n");
    const bool page = begin != std::string_view::npos && body[begin] == '<';
    const std::string words = one_line(page ? without_tags(body) : std::string{body});
    return page && !words.empty() ? "a web page: " + words : words;
}

std::string next_step(const Settings& settings, const http::Head& head) {
    switch (head.status) {
    case 401: return "check the token that the secret \"" + settings.secret_name + "\" holds";
    case 403: return "the token may not read this; give it read permission for the bucket";
    case 404: return "check the bucket's name in the query, and the path of url";
    case 400: return "check query.expression and organization";
    case 405:
    case 501:
    case 505: return "check url, port and the path of url: something else than InfluxDB answers there";
    case 429: return "the server asks to slow down; the query is tried again later";
    default: break;
    }
    if (head.status >= 300 && head.status < 400) {
        const std::string_view target = head.header("Location");
        return "redirects are not followed" +
               (target.empty() ? std::string{} : "; it points to " + one_line(target) + ": put that address into url if it is right");
    }
    if (head.status >= 500) return "the query is tried again";
    return "check url, port and query.expression";
}

} // namespace

std::string one_line(std::string_view untrusted) {
    constexpr std::size_t most = 1000;
    std::string out;
    for (const char c : untrusted.substr(0, most)) {
        const bool space = static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == ' ';
        if (!space) {
            out += c;
        } else if (!out.empty() && out.back() != ' ') {
            out += ' ';
        }
    }
    while (!out.empty() && out.back() == ' ')
        out.pop_back();
    if (untrusted.size() > most) out += "...";
    return out;
}

bool wants_gzip(const Settings& settings) {
    switch (settings.compression) {
    case Compression::gzip: return true;
    case Compression::none: return false;
    case Compression::automatic: break;
    }
    return !config::is_loopback(settings.url.host);
}

http::Request query_request(const Settings& settings, std::string_view token, const window::Edges* range, std::string_view query) {
    http::Request request;
    request.method = "POST";
    request.target = settings.url.prefix + "/api/v2/query?org=" + percent_encoded(settings.organization);
    request.headers = {{"Authorization", "Token " + std::string{token}},
                       {"Content-Type", "application/json"},
                       {"Accept", "application/csv"},
                       {"Accept-Encoding", wants_gzip(settings) ? "gzip" : "identity"},
                       {"User-Agent", "fluxgate/" FLUXGATE_VERSION}};
    request.body = query_body(settings, range, query);
    return request;
}

std::string address(const Url& url) {
    const bool v6 = url.host.find(':') != std::string::npos;
    return std::string{url.https ? "https://" : "http://"} + (v6 ? "[" + url.host + "]" : url.host) + ":" + std::to_string(url.port) + url.prefix;
}

Error status_error(const Settings& settings, const http::Head& head, std::string_view body) {
    Error error{Errc::http_status,
                address(settings.url) + " answered the query with HTTP " + std::to_string(head.status) + "; " + next_step(settings, head)};
    error.http_status = head.status;
    error.server_text = server_words(head, body);
    return error;
}

} // namespace fluxgate::influxdb
