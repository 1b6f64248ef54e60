// Reads Flux text into expressions: literals, names, members, calls, pipes, functions of one expression. What the words
// mean is flux_subset's affair.
#pragma once

#include "fluxgate/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::sample::flux {

// Half-open range of byte offsets in the query.
struct Span {
    std::size_t begin = 0, end = 0;
};

struct Expression {
    enum class Kind {
        string,     // text
        integer,    // number
        floating,   // text, as written
        duration,   // number: nanoseconds
        time,       // number: nanoseconds since 1970
        array,      // children
        object,     // named children
        identifier, // text
        member,     // children[0] . text
        call,       // children[0] is the function, the rest are named arguments
        pipe,       // children[0] |> children[1]
        function,   // children[0] is the body, text the parameter
        unary,      // text is "-" or "not"
        binary,     // text is the operator
    };
    Kind kind = Kind::identifier;
    Span span;
    std::string text = {};
    std::string name = {}; // of an argument or a property
    std::int64_t number = 0;
    std::vector<Expression> children = {};
};

struct Statement {
    enum class Kind { expression, option, assignment, import };
    Kind kind = Kind::expression;
    std::string name = {}; // of the option or the variable
    Span span;
    Expression value = {};
};

// "1:5-1:9", as the server writes places (lines and columns from 1, the end exclusive).
std::string place(std::string_view query, Span span);

// An error as the server words it: "error @1:5-1:9: <text>". HTTP status 400, code "invalid".
Error refusal(std::string_view query, Span span, const std::string& text);

// At most 64 statements, 64 levels deep. Errors read "compilation failed: error @...".
Result<std::vector<Statement>> parse(std::string_view query);

} // namespace fluxgate::sample::flux
