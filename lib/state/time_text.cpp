#include "state/time_text.hpp"

#include "config/duration.hpp"
#include "config/formats.hpp"
#include "config/show.hpp"

#include <array>
#include <chrono>
#include <cstdio>

namespace fluxgate::state {

namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr int first_year = 1678, last_year = 2261; // whole years that nanoseconds in 64 bits hold

Error fault(std::string message) {
    return {Errc::configuration, std::move(message)};
}

int number(std::string_view digits) {
    int out = 0;
    for (const char c : digits)
        out = out * 10 + (c - '0');
    return out;
}

} // namespace

Result<std::int64_t> parse_time(std::string_view text) {
    if (!config::is_rfc3339(text)) return fault("it is no RFC 3339 time such as 2026-11-21T10:00:00Z");
    namespace ch = std::chrono;
    const int year = number(text.substr(0, 4));
    if (year < first_year || year > last_year) return fault("its year is not between 1678 and 2261");
    const ch::sys_days day{ch::year{year} / number(text.substr(5, 2)) / number(text.substr(8, 2))};
    std::int64_t seconds = day.time_since_epoch().count() * std::int64_t{86'400} + number(text.substr(11, 2)) * std::int64_t{3600} +
                           number(text.substr(14, 2)) * std::int64_t{60} + number(text.substr(17, 2));
    std::string_view rest = text.substr(19);
    std::int64_t fraction = 0;
    if (rest.front() == '.') {
        std::size_t digits = 1;
        while (digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9')
            ++digits;
        if (digits > 10) return fault("it has more than nine digits behind the second");
        for (std::size_t i = 1; i <= 9; ++i)
            fraction = fraction * 10 + (i < digits ? rest[i] - '0' : 0);
        rest.remove_prefix(digits);
    }
    if (rest.front() != 'Z') {
        const int offset = number(rest.substr(1, 2)) * 3600 + number(rest.substr(4, 2)) * 60;
        seconds += rest.front() == '-' ? offset : -offset;
    }
    return seconds * second + fraction;
}

Result<std::int64_t> parse_time_or_past(std::string_view text, std::int64_t now_ns) {
    if (text == "now") return now_ns;
    const bool from_now = text.substr(0, 4) == "now-";
    if (!from_now && text.substr(0, 1) != "-") {
        Result<std::int64_t> time = parse_time(text);
        if (!time.ok()) return fault(time.error().message + ", nor `now`, nor a duration back from now such as -2h");
        return time;
    }
    const Result<std::chrono::nanoseconds> back = config::parse_duration(text.substr(from_now ? 4 : 1));
    if (!back.ok()) return fault("the duration back from now cannot be read: " + back.error().message);
    if (back->count() > now_ns) return fault("it is before 1970");
    return now_ns - back->count();
}

std::string format_time(std::int64_t ns) {
    namespace ch = std::chrono;
    // In whole seconds, for the first day that a time can lie in does not begin within its range.
    std::int64_t whole = ns / second, fraction = ns % second;
    if (fraction < 0) {
        fraction += second;
        --whole;
    }
    const ch::sys_seconds time{ch::seconds{whole}};
    const auto day = ch::floor<ch::days>(time);
    const ch::year_month_day date{day};
    const std::int64_t seconds = (time - day).count();
    std::array<char, 64> out{};
    std::snprintf(out.data(), out.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%09d", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), static_cast<int>(seconds / 3600), static_cast<int>(seconds / 60 % 60),
                  static_cast<int>(seconds % 60), static_cast<int>(fraction));
    std::string text = out.data();
    while (text.back() == '0')
        text.pop_back();
    if (text.back() == '.') text.pop_back();
    return text + 'Z';
}

} // namespace fluxgate::state
