// Cuts Flux text into tokens.
#pragma once

#include "flux_syntax.hpp"

#include <optional>

namespace fluxgate::sample::flux {

struct Token {
    enum class Kind {
        word,
        string, // text: with its escapes resolved
        integer,
        floating,
        duration, // number: nanoseconds
        time,     // number: nanoseconds since 1970
        symbol,
        end,
        open_string, // a string that never ends
        illegal      // an interpolated string, a number out of range, a calendar duration (mo, y)
    };
    Kind kind = Kind::end;
    Span span;
    std::string text = {};
    std::int64_t number = 0;
};

// The nanoseconds of one unit of a Flux duration that has a fixed length (ns us µs ms s m h d w); nothing for others.
std::optional<std::int64_t> nanoseconds_of(std::string_view unit);

class Lexer {
public:
    explicit Lexer(std::string_view query) : query_(query) {}
    Token next();

private:
    void skip_blanks();
    Token string();
    Token number();
    Token duration(std::size_t begin);
    Token make(Token::Kind kind, std::size_t begin);

    std::string_view query_;
    std::size_t at_ = 0;
};

} // namespace fluxgate::sample::flux
