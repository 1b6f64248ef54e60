// Flux text cut into tokens, as far as it takes to see which names it calls.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::window {

struct Token {
    enum class Kind {
        name,   // an identifier or keyword
        string, // a string without its interpolations; text: as written, with the quotes
        number, // also durations and times
        regex,
        symbol, // text: one or two characters
        end,
        broken // a string, regular expression or interpolation that does not end; nothing follows
    };
    Kind kind = Kind::end;
    std::string_view text;
    std::size_t offset = 0; // in the query
};

// Strings are followed by the tokens of their interpolations (${...}); comments are left out. The last one is `end` or `broken`.
[[nodiscard]] std::vector<Token> tokens_of(std::string_view query);

// The text as a Flux string literal, quotes included. It means these bytes and nothing else, whatever they are.
[[nodiscard]] std::string flux_string(std::string_view text);

} // namespace fluxgate::window
