#include "jq/lexer.hpp"

#include "jq/value.hpp"

#include <algorithm>
#include <array>

namespace fluxgate::jq {
namespace {

using Kind = Token::Kind;

bool digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
bool letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool alphanumeric(char c) noexcept {
    return letter(c) || digit(c);
}

// Longest first, so that the first match is the longest.
constexpr std::array<std::string_view, 36> all_operators{
    "?//=", "?//", "//=", "|=", "+=", "-=", "*=", "/=", "%=", "==", "!=", "<=", ">=", "//", "..", ".", "?", "=",
    ";",    ",",   ":",   "|",  "+",  "-",  "*",  "/",  "%",  "$",  "<",  ">",  "[",  "{",  "(",  "]", "}", ")"};

class Lexer {
public:
    explicit Lexer(std::string_view text) : text_(text) {}

    Tokens run() {
        while (at_ < text_.size() && !stopped_)
            in_string() ? string_piece() : code();
        tokens_.list.push_back({Kind::end, text_.substr(text_.size()), text_.size()});
        return std::move(tokens_);
    }

private:
    [[nodiscard]] char peek(std::size_t ahead = 0) const noexcept { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
    // '"' inside a string literal, '\\' inside an interpolation, else the opening bracket.
    [[nodiscard]] bool in_string() const noexcept { return !open_.empty() && open_.back() == '"'; }

    void emit(Kind kind, std::size_t length, std::size_t skip = 0) {
        tokens_.list.push_back({kind, text_.substr(at_ + skip, length - skip), at_});
        at_ += length;
    }
    void invalid() {
        emit(Kind::invalid, 1);
        stopped_ = true;
    }

    void code() {
        const char c = peek();
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            ++at_;
        } else if (c == '#') {
            comment();
        } else if (c == '"') {
            emit(Kind::string_start, 1);
            open_.push_back('"');
        } else if (c == '@') {
            const std::size_t length = span(1, alphanumeric);
            length > 1 ? emit(Kind::format, length, 1) : invalid();
        } else if (letter(c)) {
            word();
        } else if (c == '.' && letter(peek(1))) {
            emit(Kind::field, span(1, alphanumeric), 1);
        } else if (digit(c) || (c == '.' && digit(peek(1)))) {
            number();
        } else {
            op();
        }
    }

    std::size_t span(std::size_t from, bool (*of)(char)) const noexcept {
        std::size_t length = from;
        while (of(peek(length)))
            ++length;
        return length;
    }

    void comment() {
        while (at_ < text_.size() && peek() != '\n') {
            if (peek() == '\\' || peek() == '\r') tokens_.ambiguous_comment = true;
            if (peek() == '\r') return;
            ++at_;
        }
    }

    void word() {
        std::size_t length = span(0, alphanumeric);
        while (peek(length) == ':' && peek(length + 1) == ':' && letter(peek(length + 2)))
            length = span(length + 2, alphanumeric);
        emit(Kind::word, length);
    }

    // 1.6 takes every run of digits and dots for one literal and refuses the odd ones when it reads its value.
    void number() {
        const std::size_t digits = span(0, [](char c) { return digit(c) || c == '.'; });
        const auto dots = std::ranges::count(text_.substr(at_, digits), '.');
        std::size_t length = digits;
        if (peek(length) == 'e' || peek(length) == 'E') {
            const std::size_t sign = peek(length + 1) == '+' || peek(length + 1) == '-' ? 1 : 0;
            if (digit(peek(length + 1 + sign))) length = span(length + 1 + sign, digit);
        }
        dots <= 1 ? emit(Kind::number, length) : invalid();
    }

    void op() {
        const std::string_view rest = text_.substr(at_);
        const auto* found = std::ranges::find_if(all_operators, [rest](std::string_view o) { return rest.starts_with(o); });
        if (found == all_operators.end()) return invalid();
        const char c = found->front();
        if (c == '(' || c == '[' || c == '{') {
            open_.push_back(c);
        } else if (c == ')' || c == ']' || c == '}') {
            return close(c);
        }
        emit(Kind::op, found->size());
    }

    void close(char c) {
        if (open_.empty()) return invalid();
        const char opened = open_.back();
        const bool fits = c == ')' ? opened == '(' || opened == '\\' : c == ']' ? opened == '[' : opened == '{';
        if (!fits) return invalid();
        open_.pop_back();
        emit(opened == '\\' ? Kind::interp_end : Kind::op, 1);
    }

    void string_piece() {
        if (peek() == '"') {
            open_.pop_back();
            return emit(Kind::string_end, 1);
        }
        if (peek() == '\\' && peek(1) == '(') {
            open_.push_back('\\');
            return emit(Kind::interp_start, 2);
        }
        std::size_t length = 0;
        while (at_ + length < text_.size() && peek(length) != '"') {
            if (peek(length) != '\\') {
                ++length;
                continue;
            }
            if (peek(length + 1) == '(') break;
            if (at_ + length + 1 >= text_.size()) return invalid();
            length += 2;
        }
        emit(Kind::string_text, length);
    }

    std::string_view text_;
    std::size_t at_ = 0;
    bool stopped_ = false;
    std::string open_;
    Tokens tokens_;
};

} // namespace

Tokens tokenize(std::string_view expression) {
    return Lexer{expression}.run();
}

bool unescape(std::string_view piece, std::string& out) {
    for (std::size_t at = 0; at < piece.size();) {
        if (piece[at] != '\\') {
            out += piece[at++];
            continue;
        }
        // Like libjq: a run of escapes is read by its JSON parser, so surrogate pairs meet.
        std::string run = "\"";
        while (at + 1 < piece.size() && piece[at] == '\\') {
            std::size_t length = 2;
            if (piece[at + 1] == 'u')
                while (length < 6 && at + length < piece.size() && alphanumeric(piece[at + length]))
                    ++length;
            run += piece.substr(at, length);
            at += length;
        }
        run += '"';
        std::string error;
        const Value value = parse(run, error);
        if (value.kind() != JV_KIND_STRING) return false;
        out += value.string();
    }
    return true;
}

Place place_of(std::string_view expression, std::size_t offset) noexcept {
    Place place;
    for (const char c : expression.substr(0, std::min(offset, expression.size()))) {
        if (c == '\n') {
            ++place.line;
            place.column = 1;
        } else if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {
            ++place.column;
        }
    }
    return place;
}

} // namespace fluxgate::jq
