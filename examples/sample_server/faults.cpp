#include "faults.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace fluxgate::sample {
namespace {

using Kind = Fault::Kind;

Error bad(std::string_view text, const std::string& why) {
    Error e;
    e.code = Errc::invalid_argument;
    e.message = "fault \"";
    ((e.message += text) += "\": ") += why;
    return e;
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || read.ec != std::errc{} || read.ptr != text.data() + text.size()) return std::nullopt;
    return value;
}

struct Name {
    std::string_view text;
    Kind kind;
    bool takes_value;
};
constexpr Name names[] = {{"status", Kind::status, true},
                          {"queue-full", Kind::queue_full, false},
                          {"delay-first-byte", Kind::delay_first_byte, true},
                          {"delay-rows", Kind::delay_rows, true},
                          {"cut-after", Kind::cut_after, true},
                          {"reset-after", Kind::reset_after, true},
                          {"error-table-after", Kind::error_table_after, true},
                          {"gzip-no-trailer", Kind::gzip_no_trailer, false},
                          {"garbage-after-gzip", Kind::garbage_after_gzip, false}};

std::optional<std::string> set_value(Fault& fault, std::string_view value) {
    if (fault.kind == Kind::status) {
        const auto status = number(value);
        if (!status || *status < 400 || *status > 599) return "a status from 400 to 599 is needed";
        fault.status = static_cast<int>(*status);
        return std::nullopt;
    }
    if (fault.kind == Kind::delay_first_byte || fault.kind == Kind::delay_rows) {
        const auto colon = fault.kind == Kind::delay_rows ? value.find(':') : std::string_view::npos;
        if (fault.kind == Kind::delay_rows) {
            const auto rows = number(value.substr(0, std::min(colon, value.size())));
            if (colon == std::string_view::npos || !rows || *rows == 0) return "ROWS:DELAY is needed, e.g. delay-rows=100:50ms";
            fault.count = *rows;
            value.remove_prefix(colon + 1);
        }
        const auto delay = parse_delay(value);
        if (!delay) return delay.error().message;
        fault.delay = *delay;
        return std::nullopt;
    }
    const auto count = number(value);
    if (!count) return "a number is needed, e.g. cut-after=4096";
    fault.count = *count;
    return std::nullopt;
}

bool set_requests(Fault& fault, std::string_view value) {
    const auto dash = value.find('-');
    const auto first = number(value.substr(0, std::min(dash, value.size())));
    if (!first || *first == 0) return false;
    fault.first = *first;
    if (dash == std::string_view::npos) {
        fault.last = *first;
        return true;
    }
    if (dash + 1 == value.size()) return true;
    const auto last = number(value.substr(dash + 1));
    if (!last || *last < *first) return false;
    fault.last = *last;
    return true;
}

} // namespace

Result<std::chrono::milliseconds> parse_delay(std::string_view text) {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto count = number(text.substr(0, digits));
    const std::string_view unit = text.substr(digits);
    const std::int64_t factor = unit == "ms" ? 1 : unit == "s" ? 1000 : unit == "m" ? 60'000 : 0;
    if (!count || factor == 0 || *count > 86'400'000) {
        Error e;
        e.code = Errc::invalid_argument;
        e.message = "a delay such as 250ms, 3s or 2m is needed, not \"" + std::string{text} + "\"";
        return e;
    }
    return std::chrono::milliseconds{static_cast<std::int64_t>(*count) * factor};
}

Result<Fault> parse_fault(std::string_view text) {
    Fault fault;
    std::string_view rest = text;
    for (bool first = true; first || !rest.empty(); first = false) {
        // An HTTP date has a comma of its own, so retry-after takes the rest unless requests follows.
        auto comma = rest.find(',');
        if (rest.substr(0, 12) == "retry-after=") comma = rest.find(",requests=");
        std::string_view part = rest.substr(0, comma);
        rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
        const auto equals = part.find('=');
        const std::string_view key = part.substr(0, equals);
        const std::string_view value = equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1);
        if (first) {
            const auto* name = std::find_if(std::begin(names), std::end(names), [&](const Name& n) { return n.text == key; });
            if (name == std::end(names)) {
                std::string known;
                for (const Name& n : names) {
                    (known += known.empty() ? "" : ", ") += n.text;
                }
                return bad(text, std::string{key} + " is no fault; there are " + known);
            }
            fault.kind = name->kind;
            if (!name->takes_value && equals != std::string_view::npos) return bad(text, "it takes no value");
            if (name->takes_value) {
                if (auto why = set_value(fault, value)) return bad(text, *why);
            }
        } else if (key == "retry-after" && fault.kind == Kind::status && value.find_first_of("\r\n") == std::string_view::npos) {
            fault.retry_after = value;
        } else if (key == "requests") {
            if (!set_requests(fault, value)) return bad(text, "requests is N, A-B or A-, counted from 1");
        } else {
            return bad(text, std::string{key} + " does not belong here; requests= does, and retry-after= after a status");
        }
    }
    return fault;
}

FaultsOfRequest::FaultsOfRequest(const std::vector<Fault>& all, std::uint64_t request) {
    std::copy_if(all.begin(), all.end(), std::back_inserter(active_), [&](const Fault& f) { return f.applies(request); });
}

const Fault* FaultsOfRequest::find(Kind kind) const {
    const auto found = std::find_if(active_.begin(), active_.end(), [&](const Fault& f) { return f.kind == kind; });
    return found == active_.end() ? nullptr : &*found;
}

} // namespace fluxgate::sample
