// The tokens of jq's language, as libjq's lexer.l cuts them (1.6; where 1.7 and 1.8 differ it is said).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::jq {

struct Token {
    enum class Kind {
        end,          // after the last token
        invalid,      // what jq's lexer refuses; always followed by end
        word,         // identifiers and keywords; `env`, `if`, `a::b`
        field,        // `.name`; text is without the dot
        number,       //
        format,       // `@base64`; text is without the @
        string_start, // `"`
        string_text,  // a piece of a string literal, escapes still in it
        interp_start, // `\(`
        interp_end,   // the `)` that belongs to it
        string_end,   // `"`
        op,           // operators, brackets, `$`, `.`, `..`
    };
    Kind kind = Kind::end;
    std::string_view text; // a span of the expression
    std::size_t offset = 0;

    [[nodiscard]] bool is(Kind k, std::string_view t) const noexcept { return kind == k && text == t; }
    [[nodiscard]] bool op(std::string_view t) const noexcept { return is(Kind::op, t); }
    [[nodiscard]] bool word(std::string_view t) const noexcept { return is(Kind::word, t); }
};

struct Tokens {
    std::vector<Token> list; // ends with one Kind::end
    // A comment holds a backslash or a carriage return: versions of libjq disagree about where it ends.
    bool ambiguous_comment = false;
};

// Spans of `expression`, which must outlive them.
[[nodiscard]] Tokens tokenize(std::string_view expression);

// What a piece of a string literal (Token::Kind::string_text) stands for. False: an escape is not valid.
[[nodiscard]] bool unescape(std::string_view piece, std::string& out);

// 1-based line and column (in Unicode characters) of a byte offset.
struct Place {
    std::size_t line = 1;
    std::size_t column = 1;
};
[[nodiscard]] Place place_of(std::string_view expression, std::size_t offset) noexcept;

} // namespace fluxgate::jq
