#include "flux_lexer.hpp"

#include "table.hpp"

#include <algorithm>
#include <charconv>

namespace fluxgate::sample::flux {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

} // namespace

std::optional<std::int64_t> nanoseconds_of(std::string_view unit) {
    if (unit == "ns") return 1;
    if (unit == "us" || unit == "\xC2\xB5s") return 1'000;
    if (unit == "ms") return 1'000'000;
    if (unit == "s") return second_ns;
    if (unit == "m") return 60 * second_ns;
    if (unit == "h") return 3600 * second_ns;
    if (unit == "d") return 86400 * second_ns;
    if (unit == "w") return std::int64_t{7} * 86400 * second_ns;
    return std::nullopt;
}

void Lexer::skip_blanks() {
    while (at_ < query_.size()) {
        const char c = query_[at_];
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            ++at_;
        } else if (query_.substr(at_, 2) == "//") {
            at_ = std::min(query_.find('\n', at_), query_.size());
        } else if (query_.substr(at_, 2) == "\\\"") {
            ++at_; // the server's scanner steps over the lone backslash; the quote behind it opens a string
        } else {
            return;
        }
    }
}

Token Lexer::make(Token::Kind kind, std::size_t begin) {
    return {kind, {begin, at_}, std::string{query_.substr(begin, at_ - begin)}};
}

Token Lexer::next() {
    skip_blanks();
    const std::size_t begin = at_;
    if (at_ == query_.size()) return {Token::Kind::end, {begin, begin}};
    const char c = query_[at_];
    if (c == '"') return string();
    if (is_digit(c)) return number();
    if (is_letter(c)) {
        while (at_ < query_.size() && (is_letter(query_[at_]) || is_digit(query_[at_]))) {
            ++at_;
        }
        return make(Token::Kind::word, begin);
    }
    for (const std::string_view two : {"|>", "==", "!=", "<=", ">=", "=~", "!~", "=>"}) {
        if (query_.substr(at_, 2) != two) continue;
        at_ += 2;
        return make(Token::Kind::symbol, begin);
    }
    ++at_;
    return make(std::string_view{"()[]{}.,:=<>+-*/"}.find(c) == std::string_view::npos ? Token::Kind::illegal : Token::Kind::symbol, begin);
}

Token Lexer::string() {
    Token token{Token::Kind::string, {at_, at_}};
    for (++at_; at_ < query_.size(); ++at_) {
        char c = query_[at_];
        if (c == '"') {
            token.span.end = ++at_;
            return token;
        }
        if (c == '$' && query_.substr(at_, 2) == "${") token.kind = Token::Kind::illegal;
        if (c == '\\' && at_ + 1 < query_.size()) {
            c = query_[++at_];
            c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
        }
        token.text += c;
    }
    token.kind = Token::Kind::open_string;
    token.span.end = at_;
    return token;
}

Token Lexer::number() {
    const std::size_t begin = at_;
    const auto digits = [&] {
        while (at_ < query_.size() && is_digit(query_[at_])) {
            ++at_;
        }
    };
    digits();
    if (at_ - begin == 4 && at_ < query_.size() && query_[at_] == '-') {
        while (at_ < query_.size() && (is_digit(query_[at_]) || std::string_view{"-:.TZ+"}.find(query_[at_]) != std::string_view::npos)) {
            ++at_;
        }
        Token token = make(Token::Kind::time, begin);
        if (const auto time = parse_time(token.text)) {
            token.number = time->ns;
        } else {
            token.kind = Token::Kind::illegal;
        }
        return token;
    }
    if (at_ + 1 < query_.size() && query_[at_] == '.' && is_digit(query_[at_ + 1])) {
        ++at_;
        digits();
        return make(Token::Kind::floating, begin);
    }
    if (at_ < query_.size() && (is_letter(query_[at_]) || query_[at_] == '\xC2')) return duration(begin);
    Token token = make(Token::Kind::integer, begin);
    const auto read = std::from_chars(token.text.data(), token.text.data() + token.text.size(), token.number);
    if (read.ec != std::errc{}) token.kind = Token::Kind::illegal;
    return token;
}

// 1h30m: numbers and units in turn.
Token Lexer::duration(std::size_t begin) {
    std::int64_t sum = 0;
    bool good = true;
    for (at_ = begin; at_ < query_.size() && is_digit(query_[at_]);) {
        std::int64_t count = 0, part = 0;
        const auto read = std::from_chars(query_.data() + at_, query_.data() + query_.size(), count);
        at_ = static_cast<std::size_t>(read.ptr - query_.data());
        const std::size_t unit = at_;
        while (at_ < query_.size() && (is_letter(query_[at_]) || query_[at_] == '\xC2' || query_[at_] == '\xB5')) {
            ++at_;
        }
        const auto ns = nanoseconds_of(query_.substr(unit, at_ - unit));
        good = good && read.ec == std::errc{} && ns && !__builtin_mul_overflow(count, *ns, &part) && !__builtin_add_overflow(sum, part, &sum);
    }
    Token token = make(good ? Token::Kind::duration : Token::Kind::illegal, begin);
    token.number = sum;
    return token;
}

} // namespace fluxgate::sample::flux
