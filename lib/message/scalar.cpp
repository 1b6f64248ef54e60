#include "message/scalar.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace fluxgate::message {

namespace {

constexpr bool digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

// Digits without leading zeros that are not beyond `limit` (compared as text).
bool is_integer(std::string_view digits, std::string_view limit) noexcept {
    if (digits.empty() || digits.size() > limit.size() || (digits.size() > 1 && digits[0] == '0')) return false;
    if (!std::all_of(digits.begin(), digits.end(), digit)) return false;
    return digits.size() < limit.size() || digits <= limit;
}

std::size_t count_digits(std::string_view s, std::size_t from) noexcept {
    std::size_t n = from;
    while (n < s.size() && digit(s[n]))
        ++n;
    return n - from;
}

bool equals_ignoring_case(std::string_view s, std::string_view lower) noexcept {
    return s.size() == lower.size() &&
           std::equal(s.begin(), s.end(), lower.begin(), [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

bool is_non_finite(std::string_view s) noexcept {
    if (equals_ignoring_case(s, "nan")) return true;
    if (!s.empty() && (s[0] == '+' || s[0] == '-')) s.remove_prefix(1);
    return equals_ignoring_case(s, "inf") || equals_ignoring_case(s, "infinity");
}

} // namespace

bool is_long(std::string_view s) noexcept {
    if (!s.empty() && s[0] == '-') return is_integer(s.substr(1), "9223372036854775808");
    return is_integer(s, "9223372036854775807");
}

bool is_unsigned_long(std::string_view s) noexcept {
    return is_integer(s, "18446744073709551615");
}

DoubleText classify_double(std::string_view s) noexcept {
    std::size_t i = 0;
    bool json = true;
    if (i < s.size() && (s[i] == '-' || s[i] == '+')) json = s[i++] == '-';
    const std::size_t whole = count_digits(s, i);
    if (whole == 0 || (whole > 1 && s[i] == '0')) json = false;
    i += whole;
    std::size_t fraction = 0;
    if (i < s.size() && s[i] == '.') {
        fraction = count_digits(s, ++i);
        if (fraction == 0) json = false;
        i += fraction;
    }
    if (whole + fraction == 0) return is_non_finite(s) ? DoubleText::non_finite : DoubleText::invalid;
    if (i < s.size() && (s[i] == 'e' || s[i] == 'E')) {
        ++i;
        if (i < s.size() && (s[i] == '-' || s[i] == '+')) ++i;
        const std::size_t exponent = count_digits(s, i);
        if (exponent == 0) return DoubleText::invalid;
        i += exponent;
    }
    if (i != s.size()) return DoubleText::invalid;
    return json ? DoubleText::json : DoubleText::mendable;
}

std::string mended_double(std::string_view s) {
    std::string out;
    std::size_t i = 0;
    if (s[i] == '-' || s[i] == '+') {
        if (s[i] == '-') out += '-';
        ++i;
    }
    std::size_t whole = count_digits(s, i);
    while (whole > 1 && s[i] == '0') {
        ++i;
        --whole;
    }
    out += whole == 0 ? std::string_view{"0"} : s.substr(i, whole);
    i += whole;
    if (i < s.size() && s[i] == '.') {
        const std::size_t fraction = count_digits(s, i + 1);
        if (fraction != 0) out += s.substr(i, fraction + 1);
        i += fraction + 1;
    }
    out += s.substr(i);
    return out;
}

namespace {

// 2026-01-01T00:00, a minute of the calendar.
bool is_minute(std::string_view s) noexcept {
    static constexpr std::string_view form = "dddd-dd-ddTdd:dd";
    for (std::size_t i = 0; i < form.size(); ++i) {
        if (form[i] == 'd' ? !digit(s[i]) : s[i] != form[i]) return false;
    }
    const auto two = [&](std::size_t i) { return (s[i] - '0') * 10 + (s[i + 1] - '0'); };
    const int year = two(0) * 100 + two(2), month = two(5), day = two(8);
    static constexpr std::array<int, 12> days{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1 || day > days[static_cast<std::size_t>(month - 1)]) return false;
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month == 2 && day == 29 && !leap) return false;
    return two(11) <= 23 && two(14) <= 59;
}

// :00[.fraction](Z|+00:00), what follows a minute.
bool is_rest_of_time(std::string_view s) noexcept {
    if (s.size() < 4 || s[0] != ':' || !digit(s[1]) || !digit(s[2])) return false;
    if (s[1] > '5' && (s[1] != '6' || s[2] != '0')) return false;
    std::size_t i = 3;
    if (s[i] == '.') {
        const std::size_t fraction = count_digits(s, i + 1);
        if (fraction == 0 || fraction > 9) return false;
        i += fraction + 1;
    }
    if (i + 1 == s.size()) return s[i] == 'Z';
    if (i + 6 != s.size() || (s[i] != '+' && s[i] != '-') || s[i + 3] != ':') return false;
    const auto two = [&](std::size_t k) { return (s[k] - '0') * 10 + (s[k + 1] - '0'); };
    return digit(s[i + 1]) && digit(s[i + 2]) && digit(s[i + 4]) && digit(s[i + 5]) && two(i + 1) <= 23 && two(i + 4) <= 59;
}

} // namespace

bool is_rfc3339(std::string_view s) noexcept {
    std::array<char, 16> none{};
    return is_rfc3339(s, none);
}

bool is_rfc3339(std::string_view s, std::array<char, 16>& minute) noexcept {
    if (s.size() < 20) return false;
    if (minute[0] == '\0' || std::memcmp(s.data(), minute.data(), minute.size()) != 0) {
        if (!is_minute(s)) return false;
        std::memcpy(minute.data(), s.data(), minute.size());
    }
    return is_rest_of_time(s.substr(minute.size()));
}

bool is_duration(std::string_view s) noexcept {
    static constexpr std::array<std::string_view, 12> units{"mo", "ms", "us", "\xC2\xB5s", "\xCE\xBCs", "ns", "y", "w", "d", "h", "m", "s"};
    if (!s.empty() && s[0] == '-') s.remove_prefix(1);
    if (s == "0") return true;
    if (s.empty()) return false;
    while (!s.empty()) {
        std::size_t digits = count_digits(s, 0);
        if (digits == 0) return false;
        if (digits < s.size() && s[digits] == '.') {
            const std::size_t fraction = count_digits(s, digits + 1);
            if (fraction == 0) return false;
            digits += fraction + 1;
        }
        s.remove_prefix(digits);
        const auto unit = std::find_if(units.begin(), units.end(), [&](std::string_view u) { return s.substr(0, u.size()) == u; });
        if (unit == units.end()) return false;
        s.remove_prefix(unit->size());
    }
    return true;
}

bool is_base64(std::string_view s) noexcept {
    if (s.size() % 4 != 0) return false;
    std::size_t padding = 0;
    while (padding < 2 && padding < s.size() && s[s.size() - 1 - padding] == '=')
        ++padding;
    const std::string_view body = s.substr(0, s.size() - padding);
    return std::all_of(body.begin(), body.end(),
                       [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || digit(c) || c == '+' || c == '/'; });
}

} // namespace fluxgate::message
