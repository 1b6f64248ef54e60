// The small parsers of texts that come from people and servers: each text is read or refused with a reason, and what is read
// reads the same when it is written again.
// Input: which parser, text.
#include "config/byte_size.hpp"
#include "config/duration.hpp"
#include "config/flux_escape.hpp"
#include "config/formats.hpp"
#include "config/names.hpp"
#include "config/show.hpp"
#include "config/url.hpp"
#include "input.hpp"
#include "message/scalar.hpp"
#include "poll/machine.hpp"
#include "targets.hpp"

#include <charconv>
#include <cstdlib>
#include <regex>

namespace fluxgate::fuzz::texts {

namespace {

void duration(std::string_view text) {
    const auto parsed = config::parse_duration(text);
    if (!parsed) return demand(!parsed.error().message.empty(), "a duration that is refused has a reason");
    demand(parsed->count() >= 0, "a duration has no sign");
    const auto again = config::parse_duration(config::format_duration(*parsed));
    demand(again.ok() && *again == *parsed, "a duration reads the same when it is written again");
}

void byte_size(std::string_view text) {
    const auto parsed = config::parse_byte_size(text);
    if (!parsed) return demand(!parsed.error().message.empty(), "a size that is refused has a reason");
    demand(*parsed <= INT64_MAX, "a size is at most 2^63-1");
    const auto again = config::parse_byte_size(std::to_string(*parsed) + "B");
    demand(again.ok() && *again == *parsed, "a size reads the same in bytes");
}

// What stands before an @ may be a password: a marker put there must not come back.
void hides_credentials(std::string_view text) {
    const std::size_t at = text.rfind('@'), scheme = text.find("://");
    if (at == std::string_view::npos || scheme == std::string_view::npos || at < scheme + 3) return;
    std::string small{text}; // schemes are shown in small letters
    for (char& c : small)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    std::string marker = "pa55w0rd";
    while (small.find(marker) != std::string::npos) // what stands elsewhere may be shown
        marker += 'x';
    const auto refused = config::parse_server_url(std::string{text.substr(0, scheme + 3)} + marker + std::string{text.substr(scheme + 3)});
    if (!refused) demand(refused.error().message.find(marker) == std::string::npos, "a refused URL does not show credentials");
}

void url(std::string_view text) {
    const auto parsed = config::parse_server_url(text);
    if (!parsed) {
        demand(!parsed.error().message.empty(), "a URL that is refused has a reason");
        hides_credentials(text);
        return;
    }
    const bool v6 = parsed->host.find(':') != std::string::npos;
    const std::string host = v6 ? "[" + parsed->host + "]" : parsed->host;
    const std::string written = std::string{parsed->https ? "https://" : "http://"} + host +
                                (parsed->port ? ":" + std::to_string(*parsed->port) : std::string{}) + parsed->prefix;
    const auto again = config::parse_server_url(written);
    if (!again) broken("a URL reads the same when it is written again", written + ": " + again.error().message);
    demand(again->https == parsed->https && again->host == parsed->host && again->port == parsed->port && again->prefix == parsed->prefix,
           "a URL reads the same when it is written again");
    for (const char c : host + parsed->prefix)
        demand(c > 0x20 && c < 0x7F, "a URL that is taken may stand in a request");
    (void)config::is_loopback(parsed->host);
}

// The rule of query.expression, by searching and replacing.
void flux(std::string_view text) {
    const config::FluxText found = config::unescape_flux(text);
    bool any = false, bare = false;
    std::string wanted;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char next = i + 1 < text.size() ? text[i + 1] : '\0';
        if (text[i] == '\\' && (next == '\\' || next == '"')) {
            any = any || next == '"';
            wanted += next;
            ++i;
        } else {
            bare = bare || text[i] == '"';
            wanted += text[i];
        }
    }
    const bool change = any && !bare;
    demand_equal(found.changed, change, "whether an expression is un-escaped");
    demand_equal(found.text, change ? std::string_view{wanted} : text, "the un-escaped expression");
}

void retry_after(std::string_view text) {
    const auto found = poll::parse_retry_after(text, 1'800'000'000);
    if (found) demand(found->count() >= 0, "nobody waits for the past");
}

void integers(std::string_view text) {
    const auto fits = [&](auto value) {
        const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
        const std::string_view digits = text.substr(!text.empty() && text.front() == '-' ? 1 : 0);
        const bool leading_zero = digits.size() > 1 && digits.front() == '0';
        return problem == std::errc{} && end == text.data() + text.size() && !leading_zero;
    };
    demand_equal(fluxgate::message::is_long(text), fits(std::int64_t{}), "what is a long");
    demand_equal(fluxgate::message::is_unsigned_long(text), fits(std::uint64_t{}), "what is an unsignedLong");
}

void doubles(std::string_view text) {
    using fluxgate::message::DoubleText;
    if (text.size() > 400) return; // the regular expressions recurse
    static const std::regex json{R"(-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?)"};
    static const std::regex decimal{R"([-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?)"};
    const std::string s{text};
    const DoubleText found = fluxgate::message::classify_double(text);
    const bool is_json = std::regex_match(s, json), is_decimal = std::regex_match(s, decimal);
    demand_equal(found == DoubleText::json, is_json, "what is a JSON number");
    demand_equal(found == DoubleText::mendable, is_decimal && !is_json, "what is a number that JSON writes differently");
    if (found != DoubleText::mendable) return;
    const std::string mended = fluxgate::message::mended_double(text);
    demand(std::regex_match(mended, json), "a mended number is JSON");
    demand(std::strtod(mended.c_str(), nullptr) == std::strtod(s.c_str(), nullptr), "a mended number is the same number");
}

void times(std::string_view text) {
    const bool sent = fluxgate::message::is_rfc3339(text);
    // Settings allow more fraction digits, values a leap second.
    if (sent && text.size() > 18 && text.substr(17, 2) != "60") demand(config::is_rfc3339(text), "a time of the server is RFC 3339");
    (void)fluxgate::message::is_duration(text);
}

void base64(std::string_view text) {
    static const std::regex form{"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?"};
    if (text.size() > 400) return;
    demand_equal(fluxgate::message::is_base64(text), std::regex_match(std::string{text}, form), "what is base64");
}

void names(std::string_view text) {
    const std::vector<std::string_view> known{"url", "query", "interval", "partitionCount", "limits", ""};
    const std::string_view near = config::nearest_name(text, known);
    if (!near.empty()) demand(std::find(known.begin(), known.end(), near) != known.end(), "the nearest name is a known one");
    const std::string shown = config::quoted(text);
    demand(shown.size() <= 64 * 6 || text.size() > 64, "a shown text is short");
    for (const char c : shown)
        demand(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "a shown text has no control characters");
}

} // namespace

int fuzz_one(const std::uint8_t* data, std::size_t size) {
    static constexpr void (*parsers[])(std::string_view) = {duration, byte_size, url, flux, retry_after, integers, doubles, times, base64, names};
    Input input{data, size};
    const std::uint8_t which = input.byte();
    parsers[which % std::size(parsers)](input.rest());
    return 0;
}

} // namespace fluxgate::fuzz::texts
