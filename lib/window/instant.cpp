#include "window/instant.hpp"

#include "config/formats.hpp"

#include <chrono>

namespace fluxgate::window {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

__extension__ using Wide = __int128;

int number_at(std::string_view text, std::size_t at, std::size_t count) {
    int value = 0;
    for (const char c : text.substr(at, count))
        value = value * 10 + (c - '0');
    return value;
}

} // namespace

std::optional<Instant> parse_instant(std::string_view text) {
    if (!config::is_rfc3339(text)) return std::nullopt;
    using namespace std::chrono;
    const year_month_day date{year{number_at(text, 0, 4)}, month{static_cast<unsigned>(number_at(text, 5, 2))},
                              day{static_cast<unsigned>(number_at(text, 8, 2))}};
    std::int64_t seconds = std::int64_t{sys_days{date}.time_since_epoch().count()} * 86400 + number_at(text, 11, 2) * 3600L +
                           number_at(text, 14, 2) * 60L + number_at(text, 17, 2);
    std::size_t at = 19;
    std::int64_t fraction = 0;
    if (text[at] == '.') {
        int kept = 0;
        for (++at; text[at] >= '0' && text[at] <= '9'; ++at)
            if (kept < 9) {
                fraction = fraction * 10 + (text[at] - '0');
                ++kept;
            }
        for (; kept < 9; ++kept)
            fraction *= 10;
    }
    if (text[at] != 'Z') {
        const std::int64_t offset = number_at(text, at + 1, 2) * 3600 + number_at(text, at + 4, 2) * 60;
        seconds += text[at] == '+' ? -offset : offset;
    }
    // A time before 1970 may fit only with its fraction: -9223372037 s + 0.145224192 s.
    const auto whole = static_cast<Wide>(seconds) * second_ns + fraction;
    if (whole > INT64_MAX || whole < INT64_MIN) return std::nullopt;
    return static_cast<Instant>(whole);
}

Result<Instant> read_instant(std::string_view text) {
    const auto fault = [](const char* why) { return Error{Errc::configuration, why}; };
    if (!config::is_rfc3339(text)) return fault("it is no RFC 3339 time such as 2026-11-21T10:00:00Z");
    if (text[19] == '.' && text.find_first_not_of("0123456789", 20) > 29) return fault("it has more than nine digits behind the second");
    const std::optional<Instant> at = parse_instant(text);
    if (!at) return fault("its year is not between 1678 and 2261");
    return *at;
}

std::string format_instant(Instant instant) {
    using namespace std::chrono;
    // In whole seconds, for the first day that an instant can lie in does not begin within its range.
    std::int64_t whole = instant / second_ns, fraction = instant % second_ns;
    if (fraction < 0) {
        fraction += second_ns;
        --whole;
    }
    const sys_seconds at{seconds{whole}};
    const auto day_of = floor<days>(at);
    const year_month_day date{day_of};
    const std::int64_t of_day = (at - day_of).count();
    std::string out = "0000-00-00T00:00:00";
    const auto put = [&out](std::size_t place, std::size_t count, std::int64_t value) {
        for (std::size_t k = count; k-- > 0; value /= 10)
            out[place + k] = static_cast<char>('0' + value % 10);
    };
    put(0, 4, static_cast<int>(date.year()));
    put(5, 2, static_cast<unsigned>(date.month()));
    put(8, 2, static_cast<unsigned>(date.day()));
    put(11, 2, of_day / 3600);
    put(14, 2, of_day / 60 % 60);
    put(17, 2, of_day % 60);
    if (fraction != 0) {
        out += ".000000000";
        put(20, 9, fraction);
        out.erase(out.find_last_not_of('0') + 1);
    }
    return out + 'Z';
}

} // namespace fluxgate::window
