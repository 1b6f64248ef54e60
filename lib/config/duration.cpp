#include "config/duration.hpp"

#include "config/show.hpp"

#include <array>
#include <cstdint>
#include <limits>

namespace fluxgate::config {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t nanoseconds;
};

// The longer name before its prefix.
constexpr std::array<Unit, 8> units{{{"ms", 1'000'000},
                                     {"us", 1'000},
                                     {"\xC2\xB5s", 1'000},
                                     {"\xCE\xBCs", 1'000},
                                     {"ns", 1},
                                     {"h", 3'600'000'000'000},
                                     {"m", 60'000'000'000},
                                     {"s", 1'000'000'000}}};

constexpr std::uint64_t largest = std::numeric_limits<std::int64_t>::max();

Error fault(std::string message) {
    return Error{Errc::configuration, std::move(message)};
}

std::string_view take_digits(std::string_view& text) {
    std::size_t n = 0;
    while (n < text.size() && text[n] >= '0' && text[n] <= '9')
        ++n;
    const std::string_view digits = text.substr(0, n);
    text.remove_prefix(n);
    return digits;
}

const Unit* take_unit(std::string_view& text) {
    for (const Unit& unit : units) {
        if (text.substr(0, unit.name.size()) != unit.name) continue;
        text.remove_prefix(unit.name.size());
        return &unit;
    }
    return nullptr;
}

// value * unit, or more than `largest`.
std::uint64_t scaled(std::string_view digits, std::uint64_t unit) {
    const std::uint64_t limit = largest / unit;
    std::uint64_t value = 0;
    for (const char c : digits) {
        if (value > limit / 10) return largest + 1;
        value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return value > limit ? largest + 1 : value * unit;
}

// 0.digits * unit, rounded down. Horner from the last digit: dividing step by step rounds like dividing once.
std::uint64_t scaled_fraction(std::string_view digits, std::uint64_t unit) {
    std::uint64_t value = 0;
    for (std::size_t i = digits.size(); i > 0; --i)
        value = (static_cast<std::uint64_t>(digits[i - 1] - '0') * unit + value) / 10;
    return value;
}

} // namespace

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
    if (text.empty()) return fault("it is empty");
    std::uint64_t total = 0;
    while (!text.empty()) {
        const std::string_view rest = text;
        const std::string_view whole = take_digits(text);
        std::string_view fraction;
        if (!text.empty() && text.front() == '.') {
            text.remove_prefix(1);
            fraction = take_digits(text);
        }
        if (whole.empty() && fraction.empty()) return fault("a number is needed at " + quoted(rest));
        const std::string number = quoted(rest.substr(0, rest.size() - text.size()));
        if (text.empty()) return fault("the number " + number + " has no unit (h, m, s, ms, us, \xC2\xB5s or ns)");
        const std::string_view unit_at = text;
        const Unit* unit = take_unit(text);
        if (unit == nullptr) return fault("no unit (h, m, s, ms, us, \xC2\xB5s or ns) begins at " + quoted(unit_at));
        for (const std::uint64_t part : {scaled(whole, unit->nanoseconds), scaled_fraction(fraction, unit->nanoseconds)}) {
            if (part > largest - total) return fault("it is longer than 292 years");
            total += part;
        }
    }
    return std::chrono::nanoseconds{static_cast<std::int64_t>(total)};
}

std::string format_duration(std::chrono::nanoseconds duration) {
    if (duration.count() == 0) return "0s";
    const bool negative = duration.count() < 0;
    std::uint64_t rest = negative ? ~static_cast<std::uint64_t>(duration.count()) + 1 : static_cast<std::uint64_t>(duration.count());
    static constexpr std::array<Unit, 6> order{
        {{"h", 3'600'000'000'000}, {"m", 60'000'000'000}, {"s", 1'000'000'000}, {"ms", 1'000'000}, {"us", 1'000}, {"ns", 1}}};
    std::string out = negative ? "-" : "";
    for (const Unit& unit : order) {
        if (rest < unit.nanoseconds) continue;
        out += std::to_string(rest / unit.nanoseconds);
        out += unit.name;
        rest %= unit.nanoseconds;
    }
    return out;
}

} // namespace fluxgate::config
