#include "message/json_text.hpp"

#include <algorithm>

namespace fluxgate::message {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

// Writes the escape of a byte that may not stand in a JSON string as it is. At most 6 bytes.
char* write_escape(char* at, unsigned char c) {
    static constexpr char hex[] = "0123456789ABCDEF";
    *at++ = '\\';
    switch (c) {
    case '"': *at++ = '"'; return at;
    case '\\': *at++ = '\\'; return at;
    case '\b': *at++ = 'b'; return at;
    case '\f': *at++ = 'f'; return at;
    case '\n': *at++ = 'n'; return at;
    case '\r': *at++ = 'r'; return at;
    case '\t': *at++ = 't'; return at;
    default:
        *at++ = 'u';
        *at++ = '0';
        *at++ = '0';
        *at++ = hex[c >> 4];
        *at++ = hex[c & 15];
        return at;
    }
}

// Folding: what a quoted field's bytes stand for. The text of every other string is taken as it is.
std::uint64_t append(Buffer& out, std::string_view bytes, bool quoted) {
    std::uint64_t replaced = 0;
    std::size_t i = 0;
    constexpr std::size_t stride = 4096; // bounds what is reserved ahead of a field of megabytes
    while (i < bytes.size()) {
        const std::size_t stop = std::min(bytes.size(), i + stride);
        char* at = out.reserve((stop - i) * 6 + 8);
        while (i < stop) {
            const auto c = static_cast<unsigned char>(bytes[i]);
            if (c >= 0x80) {
                int bad = 0;
                const int length = utf8_sequence(bytes.substr(i), bad);
                if (length == 0) {
                    at = std::copy(replacement.begin(), replacement.end(), at);
                    i += static_cast<std::size_t>(bad);
                    ++replaced;
                    continue;
                }
                at = std::copy_n(bytes.data() + i, length, at);
                i += static_cast<std::size_t>(length);
            } else if (c >= 0x20 && c != '"' && c != '\\') {
                *at++ = static_cast<char>(c);
                ++i;
            } else if (quoted && c == '\r' && i + 1 < bytes.size() && bytes[i + 1] == '\n') {
                ++i;
            } else {
                at = write_escape(at, c);
                i += quoted && c == '"' ? 2 : 1;
            }
        }
        out.commit(at);
    }
    return replaced;
}

} // namespace

// Table 3-7 of the Unicode standard: the ranges of the second byte rule out overlong forms, surrogates and what lies beyond
// U+10FFFF.
int utf8_sequence(std::string_view bytes, int& bad) noexcept {
    const auto at = [&](std::size_t k) { return k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : 0u; };
    const unsigned first = at(0);
    if (first < 0x80) return 1;
    int length = 0;
    unsigned low = 0x80, high = 0xBF;
    if (first >= 0xC2 && first <= 0xDF) {
        length = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
        length = 3;
        if (first == 0xE0) low = 0xA0;
        if (first == 0xED) high = 0x9F;
    } else if (first >= 0xF0 && first <= 0xF4) {
        length = 4;
        if (first == 0xF0) low = 0x90;
        if (first == 0xF4) high = 0x8F;
    } else {
        bad = 1;
        return 0;
    }
    for (int k = 1; k < length; ++k) {
        const unsigned next = at(static_cast<std::size_t>(k));
        if (next < low || next > high) {
            bad = k;
            return 0;
        }
        low = 0x80;
        high = 0xBF;
    }
    return length;
}

std::string valid_utf8(std::string_view bytes) {
    std::string out;
    while (!bytes.empty()) {
        int bad = 0;
        const int good = utf8_sequence(bytes, bad);
        out += good != 0 ? bytes.substr(0, static_cast<std::size_t>(good)) : replacement;
        bytes.remove_prefix(static_cast<std::size_t>(good != 0 ? good : bad));
    }
    return out;
}

std::uint64_t append_escaped(Buffer& out, std::string_view bytes) {
    return append(out, bytes, false);
}

std::uint64_t append_escaped(Buffer& out, const flux::Field& field) {
    return append(out, field.raw(), (field.flags & flux::Field::quoted) != 0);
}

} // namespace fluxgate::message
