#include "table.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace fluxgate::sample {
namespace {

constexpr std::int64_t day = 86'400;

struct Civil {
    std::int64_t year;
    unsigned month, day;
};

// Howard Hinnant's days_from_civil and civil_from_days (proleptic Gregorian calendar).
std::int64_t days_of(Civil c) {
    const std::int64_t y = c.month <= 2 ? c.year - 1 : c.year;
    const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
    const auto yoe = static_cast<unsigned>(y - era * 400);
    const unsigned doy = (153 * (c.month + (c.month > 2 ? -3u : 9u)) + 2) / 5 + c.day - 1;
    const unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + static_cast<std::int64_t>(doe) - 719468;
}

Civil civil_of(std::int64_t days) {
    days += 719468;
    const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const auto doe = static_cast<unsigned>(days - era * 146097);
    const unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const unsigned mp = (5 * doy + 2) / 153;
    const unsigned month = mp < 10 ? mp + 3 : mp - 9;
    return {static_cast<std::int64_t>(yoe) + era * 400 + (month <= 2 ? 1 : 0), month, doy - (153 * mp + 2) / 5 + 1};
}

void put_digits(char* at, std::uint64_t value, int digits) {
    for (int i = digits - 1; i >= 0; --i) {
        at[i] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
}

// Reads exactly `digits` digits at the front of text and removes them.
std::optional<unsigned> take_digits(std::string_view& text, std::size_t digits) {
    if (text.size() < digits) return std::nullopt;
    unsigned value = 0;
    for (const char c : text.substr(0, digits)) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    text.remove_prefix(digits);
    return value;
}

bool take(std::string_view& text, char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
}

std::optional<std::int64_t> take_fraction(std::string_view& text) {
    if (!take(text, '.')) return 0;
    std::int64_t ns = 0, unit = second_ns / 10;
    std::size_t digits = 0;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9' && digits < 9) {
        ns += unit * (text.front() - '0');
        unit /= 10;
        text.remove_prefix(1);
        ++digits;
    }
    return digits == 0 ? std::nullopt : std::optional{ns};
}

std::optional<std::int64_t> take_offset(std::string_view& text) {
    if (take(text, 'Z')) return 0;
    if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
    const std::int64_t sign = text.front() == '-' ? -1 : 1;
    text.remove_prefix(1);
    const auto hours = take_digits(text, 2);
    if (!hours || !take(text, ':')) return std::nullopt;
    const auto minutes = take_digits(text, 2);
    if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
    return sign * (static_cast<std::int64_t>(*hours) * 3600 + static_cast<std::int64_t>(*minutes) * 60);
}

} // namespace

std::string_view datatype(Type type) {
    switch (type) {
    case Type::boolean: return "boolean";
    case Type::integer: return "long";
    case Type::unsigned_integer: return "unsignedLong";
    case Type::floating: return "double";
    case Type::string: return "string";
    case Type::time: return "dateTime:RFC3339";
    }
    return "string";
}

void append_double(std::string& out, double value) {
    if (std::isnan(value)) {
        out += "NaN";
        return;
    }
    if (std::isinf(value)) {
        out += value > 0 ? "+Inf" : "-Inf";
        return;
    }
    // std::to_chars(fixed) writes the exact integer of large doubles; Go pads the shortest digits with zeros.
    std::array<char, 40> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific).ptr;
    std::string_view digits{text.data(), static_cast<std::size_t>(end - text.data())};
    if (take(digits, '-')) out += '-';
    const auto e = digits.find('e');
    int exponent = 0;
    const char* from = digits.data() + e + 1;
    std::from_chars(*from == '+' ? from + 1 : from, end, exponent);
    const char first = digits[0];
    const std::string_view rest = e > 2 ? digits.substr(2, e - 2) : std::string_view{};
    if (exponent < 0) {
        out += "0.";
        out.append(static_cast<std::size_t>(-exponent - 1), '0');
        out += first;
        out += rest;
        return;
    }
    const auto whole = static_cast<std::size_t>(exponent);
    out += first;
    if (rest.size() <= whole) {
        out += rest;
        out.append(whole - rest.size(), '0');
        return;
    }
    out += rest.substr(0, whole);
    out += '.';
    out += rest.substr(whole);
}

void append_time(std::string& out, Time time) {
    std::int64_t seconds = time.ns / second_ns, ns = time.ns % second_ns;
    if (ns < 0) {
        ns += second_ns;
        --seconds;
    }
    std::int64_t days = seconds / day, rest = seconds % day;
    if (rest < 0) {
        rest += day;
        --days;
    }
    const Civil c = civil_of(days);
    char text[] = "0000-00-00T00:00:00.000000000Z";
    put_digits(text, static_cast<std::uint64_t>(c.year), 4);
    put_digits(text + 5, c.month, 2);
    put_digits(text + 8, c.day, 2);
    put_digits(text + 11, static_cast<std::uint64_t>(rest / 3600), 2);
    put_digits(text + 14, static_cast<std::uint64_t>(rest / 60 % 60), 2);
    put_digits(text + 17, static_cast<std::uint64_t>(rest % 60), 2);
    std::size_t length = 19;
    if (ns != 0) {
        put_digits(text + 20, static_cast<std::uint64_t>(ns), 9);
        length = 29;
        while (text[length - 1] == '0') {
            --length;
        }
    }
    text[length] = 'Z';
    out.append(text, length + 1);
}

std::string time_text(Time time) {
    std::string out;
    append_time(out, time);
    return out;
}

std::optional<Time> parse_time(std::string_view text) {
    const auto year = take_digits(text, 4);
    if (!year || !take(text, '-')) return std::nullopt;
    const auto month = take_digits(text, 2);
    if (!month || !take(text, '-')) return std::nullopt;
    const auto date = take_digits(text, 2);
    if (!date || *month < 1 || *month > 12 || *date < 1 || *date > 31) return std::nullopt;
    const std::int64_t days = days_of({static_cast<std::int64_t>(*year), *month, *date});
    if (civil_of(days).month != *month) return std::nullopt; // the 31st of a shorter month
    std::int64_t seconds = days * day, ns = 0;
    if (!text.empty()) {
        if (!take(text, 'T')) return std::nullopt;
        const auto hours = take_digits(text, 2);
        if (!hours || !take(text, ':')) return std::nullopt;
        const auto minutes = take_digits(text, 2);
        if (!minutes || !take(text, ':')) return std::nullopt;
        const auto secs = take_digits(text, 2);
        if (!secs || *hours > 23 || *minutes > 59 || *secs > 59) return std::nullopt;
        const auto fraction = take_fraction(text);
        if (!fraction) return std::nullopt;
        const auto offset = take_offset(text);
        if (!offset || !text.empty()) return std::nullopt;
        seconds += static_cast<std::int64_t>(*hours) * 3600 + static_cast<std::int64_t>(*minutes) * 60 + *secs - *offset;
        ns = *fraction;
    }
    std::int64_t all = 0;
    if (seconds < 0 && ns > 0) { // the smallest second times 10^9 alone may not fit
        ++seconds;
        ns -= second_ns;
    }
    if (__builtin_mul_overflow(seconds, second_ns, &all) || __builtin_add_overflow(all, ns, &all)) return std::nullopt;
    return Time{all};
}

void append_text(std::string& out, const Value& value) {
    std::array<char, 24> digits{};
    const auto number = [&](auto n) {
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), n).ptr;
        out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
    };
    if (const auto* s = std::get_if<std::string_view>(&value)) {
        out += *s;
    } else if (const auto* t = std::get_if<Time>(&value)) {
        append_time(out, *t);
    } else if (const auto* d = std::get_if<double>(&value)) {
        append_double(out, *d);
    } else if (const auto* i = std::get_if<std::int64_t>(&value)) {
        number(*i);
    } else if (const auto* u = std::get_if<std::uint64_t>(&value)) {
        number(*u);
    } else if (const auto* b = std::get_if<bool>(&value)) {
        out += *b ? "true" : "false";
    }
}

} // namespace fluxgate::sample
