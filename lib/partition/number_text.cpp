#include "partition/number_text.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <string_view>

namespace fluxgate::partition {

void append_number(std::string& out, double value) {
    if (value == 0) {
        out += '0';
        return;
    }
    // "[-]d[.ddd]e(+|-)xx": the shortest digits, whatever their number.
    std::array<char, 40> buffer{};
    const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
    static_cast<void>(error); // 40 characters hold every double
    std::string_view text{buffer.data(), static_cast<std::size_t>(end - buffer.data())};
    if (text.front() == '-') {
        out += '-';
        text.remove_prefix(1);
    }
    const std::size_t e = text.find('e');
    int exponent = 0;
    std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), text.data() + text.size(), exponent);
    std::array<char, 24> digits{};
    int k = 0;
    for (const char c : text.substr(0, e))
        if (c != '.') digits[static_cast<std::size_t>(k++)] = c;
    const std::string_view s{digits.data(), static_cast<std::size_t>(k)};

    // The names are the standard's: the value is s times 10 to the n-k.
    const int n = exponent + 1;
    if (k <= n && n <= 21) {
        out.append(s).append(static_cast<std::size_t>(n - k), '0');
    } else if (0 < n && n <= 21) {
        out.append(s.substr(0, static_cast<std::size_t>(n))).append(1, '.').append(s.substr(static_cast<std::size_t>(n)));
    } else if (-6 < n && n <= 0) {
        out.append("0.").append(static_cast<std::size_t>(-n), '0').append(s);
    } else {
        out += s.front();
        if (k > 1) out.append(1, '.').append(s.substr(1));
        out.append(n > 0 ? "e+" : "e-").append(std::to_string(std::abs(n - 1)));
    }
}

} // namespace fluxgate::partition
