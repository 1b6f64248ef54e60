#include "jsonpath/json_scan.hpp"

#include <cstdint>

namespace fluxgate::jsonpath {
namespace {

bool is_space(char c) noexcept {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Four hex digits at `at`, or nothing.
std::optional<std::uint32_t> four_hex(std::string_view text, std::size_t at) noexcept {
    if (at + 4 > text.size()) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + 4; ++i) {
        const int digit = hex_value(text[i]);
        if (digit < 0) return std::nullopt;
        value = value * 16 + static_cast<std::uint32_t>(digit);
    }
    return value;
}

void append_utf8(std::string& out, std::uint32_t code) {
    const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | (code >> 6));
        put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        put(0xE0 | (code >> 12));
        put(0x80 | ((code >> 6) & 0x3F));
        put(0x80 | (code & 0x3F));
    } else {
        put(0xF0 | (code >> 18));
        put(0x80 | ((code >> 12) & 0x3F));
        put(0x80 | ((code >> 6) & 0x3F));
        put(0x80 | (code & 0x3F));
    }
}

// The character that stands for `\` + letter, or 0.
char simple_escape(char letter) noexcept {
    switch (letter) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
    }
}

// Decodes the \u escape at `at` (its backslash) and moves behind it, and behind its second half if it has one.
bool append_unicode_escape(std::string& out, std::string_view inside, std::size_t& at) {
    constexpr std::uint32_t replacement = 0xFFFD;
    const auto first = four_hex(inside, at + 2);
    if (!first) return false;
    at += 6;
    std::uint32_t code = *first;
    if (code >= 0xD800 && code < 0xDC00 && at + 1 < inside.size() && inside[at] == '\\' && inside[at + 1] == 'u') {
        const auto second = four_hex(inside, at + 2);
        if (!second) return false;
        if (*second >= 0xDC00 && *second < 0xE000) {
            code = 0x10000 + ((code - 0xD800) << 10) + (*second - 0xDC00);
            at += 6;
        }
    }
    append_utf8(out, code >= 0xD800 && code < 0xE000 ? replacement : code);
    return true;
}

} // namespace

char Scanner::peek() noexcept {
    while (at_ < text_.size() && is_space(text_[at_]))
        ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
}

bool Scanner::take(char expected) noexcept {
    if (peek() != expected || at_ == text_.size()) return false;
    ++at_;
    return true;
}

bool Scanner::string(std::string_view& inside) noexcept {
    if (!take('"')) return false;
    const std::size_t begin = at_;
    for (;;) {
        at_ = text_.find_first_of("\"\\", at_);
        if (at_ == std::string_view::npos) {
            at_ = text_.size();
            return false;
        }
        if (text_[at_] == '"') break;
        at_ += 2; // an escaped character never ends the string
        if (at_ > text_.size()) {
            at_ = text_.size();
            return false;
        }
    }
    inside = text_.substr(begin, at_ - begin);
    ++at_;
    return true;
}

bool Scanner::scalar() noexcept {
    const std::size_t begin = at_;
    while (at_ < text_.size() && !is_space(text_[at_]) && text_[at_] != ',' && text_[at_] != ']' && text_[at_] != '}' && text_[at_] != ':' &&
           text_[at_] != '"' && text_[at_] != '{' && text_[at_] != '[')
        ++at_;
    return at_ > begin;
}

bool Scanner::value() noexcept {
    const char first = peek();
    std::string_view inside;
    if (first == '"') return string(inside);
    if (first != '{' && first != '[') return scalar();
    // Brackets are counted, not matched: all that is wanted is the end of a value that was written as JSON.
    std::size_t depth = 0;
    while (at_ < text_.size()) {
        switch (text_[at_]) {
        case '"':
            if (!string(inside)) return false;
            continue;
        case '{':
        case '[':
            if (++depth > max_nesting) return false;
            break;
        case '}':
        case ']':
            if (--depth == 0) {
                ++at_;
                return true;
            }
            break;
        default: break;
        }
        ++at_;
    }
    return false;
}

std::optional<std::string> decode_string(std::string_view inside, std::size_t& error_at) {
    std::string out;
    out.reserve(inside.size());
    for (std::size_t at = 0; at < inside.size();) {
        if (inside[at] != '\\') {
            out += inside[at++];
            continue;
        }
        error_at = at;
        const char letter = at + 1 < inside.size() ? inside[at + 1] : '\0';
        if (letter == 'u') {
            if (!append_unicode_escape(out, inside, at)) return std::nullopt;
            continue;
        }
        const char decoded = simple_escape(letter);
        if (decoded == 0) return std::nullopt;
        out += decoded;
        at += 2;
    }
    return out;
}

} // namespace fluxgate::jsonpath
