// Retry-After (RFC 9110, 10.2.3): seconds, or an HTTP date in one of its three forms (5.6.7).
#include "poll/machine.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace fluxgate::poll {
namespace {

constexpr std::int64_t kMostSeconds = 366LL * 24 * 3600; // beyond a year it is the same as "not in this run"

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

// Reads a date from the left; every step answers false at the first thing that does not fit.
class Scanner {
public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    bool literal(std::string_view word) {
        if (rest_.substr(0, word.size()) != word) return false;
        rest_.remove_prefix(word.size());
        return true;
    }

    bool digits(std::size_t count, int& value) {
        if (rest_.size() < count) return false;
        value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (rest_[i] < '0' || rest_[i] > '9') return false;
            value = value * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(count);
        return true;
    }

    bool month(int& value) {
        static constexpr std::array<std::string_view, 12> names{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (literal(names[i])) {
                value = static_cast<int>(i) + 1;
                return true;
            }
        }
        return false;
    }

    bool letters() { // the day's name; which one it is does not matter
        const std::size_t before = rest_.size();
        while (!rest_.empty() && ((rest_.front() >= 'a' && rest_.front() <= 'z') || (rest_.front() >= 'A' && rest_.front() <= 'Z')))
            rest_.remove_prefix(1);
        return rest_.size() < before;
    }

    [[nodiscard]] bool at_end() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

struct Date {
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

bool time_of_day(Scanner& in, Date& date) {
    return in.digits(2, date.hour) && in.literal(":") && in.digits(2, date.minute) && in.literal(":") && in.digits(2, date.second);
}

// Sun, 06 Nov 1994 08:49:37 GMT
bool imf_fixdate(std::string_view text, Date& date) {
    Scanner in{text};
    return in.letters() && in.literal(", ") && in.digits(2, date.day) && in.literal(" ") && in.month(date.month) && in.literal(" ") &&
           in.digits(4, date.year) && in.literal(" ") && time_of_day(in, date) && in.literal(" GMT") && in.at_end();
}

// Sunday, 06-Nov-94 08:49:37 GMT
bool rfc850_date(std::string_view text, int this_year, Date& date) {
    Scanner in{text};
    if (!(in.letters() && in.literal(", ") && in.digits(2, date.day) && in.literal("-") && in.month(date.month) && in.literal("-") &&
          in.digits(2, date.year) && in.literal(" ") && time_of_day(in, date) && in.literal(" GMT") && in.at_end()))
        return false;
    date.year += this_year / 100 * 100;
    if (date.year > this_year + 50) date.year -= 100; // more than 50 years ahead means the past (RFC 9110, 5.6.7)
    return true;
}

// Sun Nov  6 08:49:37 1994
bool asctime_date(std::string_view text, Date& date) {
    Scanner in{text};
    if (!(in.letters() && in.literal(" ") && in.month(date.month) && in.literal(" "))) return false;
    if (!(in.literal(" ") ? in.digits(1, date.day) : in.digits(2, date.day))) return false;
    return in.literal(" ") && time_of_day(in, date) && in.literal(" ") && in.digits(4, date.year) && in.at_end();
}

std::optional<std::int64_t> unix_seconds(const Date& date) {
    const std::chrono::year_month_day day{std::chrono::year{date.year}, std::chrono::month{static_cast<unsigned>(date.month)},
                                          std::chrono::day{static_cast<unsigned>(date.day)}};
    if (!day.ok() || date.hour > 23 || date.minute > 59 || date.second > 60) return std::nullopt;
    const std::int64_t days = std::chrono::sys_days{day}.time_since_epoch().count();
    return days * 86400 + std::int64_t{date.hour} * 3600 + std::int64_t{date.minute} * 60 + date.second;
}

int year_of(std::int64_t unix_s) {
    const std::chrono::sys_days day{std::chrono::floor<std::chrono::days>(std::chrono::seconds{unix_s})};
    return static_cast<int>(std::chrono::year_month_day{day}.year());
}

Nanoseconds bounded(std::int64_t seconds) {
    return std::chrono::seconds{std::clamp<std::int64_t>(seconds, 0, kMostSeconds)};
}

} // namespace

std::optional<Nanoseconds> parse_retry_after(std::string_view value, std::int64_t now_unix_s) {
    const std::string_view text = trimmed(value);
    if (text.empty()) return std::nullopt;
    if (text.find_first_not_of("0123456789") == std::string_view::npos) {
        std::int64_t seconds = 0;
        for (const char c : text)
            seconds = std::min(seconds * 10 + (c - '0'), kMostSeconds);
        return bounded(seconds);
    }
    const std::optional<std::int64_t> at = parse_http_date(text, now_unix_s);
    if (!at) return std::nullopt;
    return bounded(*at - now_unix_s);
}

std::optional<std::int64_t> parse_http_date(std::string_view value, std::int64_t now_unix_s) {
    const std::string_view text = trimmed(value);
    Date date;
    if (!imf_fixdate(text, date) && !rfc850_date(text, year_of(now_unix_s), date) && !asctime_date(text, date)) return std::nullopt;
    return unix_seconds(date);
}

} // namespace fluxgate::poll
