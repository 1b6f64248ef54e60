#include "telemetry/text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <ctime>

namespace fluxgate::telemetry {

namespace {

struct Sequence {
    std::size_t size; // bytes to consume, >= 1
    bool valid;
};

// The UTF-8 sequence at the beginning of `s` (not empty), or the maximal ill-formed part of one.
Sequence sequence_at(std::string_view s) noexcept {
    const auto byte = [&s](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return {1, true};
    std::size_t size = 0;
    unsigned char low = 0x80, high = 0xBF; // allowed second byte
    if (lead >= 0xC2 && lead <= 0xDF) {
        size = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        size = 3;
        if (lead == 0xE0) low = 0xA0;
        if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        size = 4;
        if (lead == 0xF0) low = 0x90;
        if (lead == 0xF4) high = 0x8F;
    } else {
        return {1, false};
    }
    for (std::size_t i = 1; i < size; ++i) {
        if (i == s.size()) return {i, false};
        const bool fits = i == 1 ? byte(i) >= low && byte(i) <= high : (byte(i) & 0xC0) == 0x80;
        if (!fits) return {i, false};
    }
    return {size, true};
}

} // namespace

std::string rfc3339(std::int64_t wall_ns) {
    std::int64_t seconds = wall_ns / 1'000'000'000;
    std::int64_t rest = wall_ns % 1'000'000'000;
    if (rest < 0) {
        rest += 1'000'000'000;
        --seconds;
    }
    const auto time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    gmtime_r(&time, &parts);
    std::array<char, 32> date{};
    const std::size_t size = std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::array<char, 8> millis{};
    std::snprintf(millis.data(), millis.size(), ".%03dZ", static_cast<int>(rest / 1'000'000));
    return std::string{date.data(), size} + millis.data();
}

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const Sequence next = sequence_at(text);
        if (!next.valid) return false;
        text.remove_prefix(next.size);
    }
    return true;
}

std::string to_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const Sequence next = sequence_at(text);
        if (next.valid)
            out += text.substr(0, next.size);
        else
            out += "\xEF\xBF\xBD";
        text.remove_prefix(next.size);
    }
    return out;
}

std::string base64(std::string_view bytes) {
    static constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0u);
        for (std::size_t k = 0; k < 4; ++k)
            out += k <= count ? alphabet[group >> (18 - 6 * k) & 63u] : '=';
    }
    return out;
}

} // namespace fluxgate::telemetry
