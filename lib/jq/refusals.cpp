#include "jq/refusals.hpp"

#include "jq/lexer.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace fluxgate::jq {
namespace {

struct Refused {
    std::string_view name;
    std::string_view parameters; // as written after the name
    bool partition_only = false;
};

// Arities as listed by `builtins` of 1.6, 1.7.1 and 1.8.1. `_input` is what 1.6 calls the function behind `input`.
constexpr std::array<Refused, 17> refused_builtins{{
    {"env", ""},
    {"input", ""},
    {"_input", ""},
    {"inputs", ""},
    {"debug", ""},
    {"debug", "(a)"},
    {"stderr", ""},
    {"halt", ""},
    {"halt_error", ""},
    {"halt_error", "(a)"},
    {"input_filename", ""},
    {"input_line_number", ""},
    {"get_search_list", ""},
    {"modulemeta", ""},
    {"now", "", true},
    {"localtime", "", true},
    {"strflocaltime", "(a)", true},
}};

constexpr std::string_view marker = "$__refused_";

constexpr std::string_view outside = "an expression: it reaches outside the message";

std::string not_allowed(std::string_view name, std::string_view where) {
    return std::string{"\""}.append(name).append("\" is not allowed in ").append(where);
}

bool clock_or_zone(std::string_view name) {
    return std::ranges::any_of(refused_builtins, [name](const Refused& r) { return r.partition_only && r.name == name; });
}

// The first use of the function: not a key of an object, not the name in a definition.
std::optional<std::size_t> reference(std::string_view expression, std::string_view name) {
    const Tokens tokens = tokenize(expression);
    for (std::size_t i = 0; i + 1 < tokens.list.size(); ++i) {
        if (!tokens.list[i].word(name)) continue;
        const bool defined = i > 0 && tokens.list[i - 1].word("def");
        const bool variable = i > 0 && tokens.list[i - 1].op("$");
        if (!defined && !variable && !tokens.list[i + 1].op(":")) return tokens.list[i].offset;
    }
    return std::nullopt;
}

} // namespace

std::string refusal_prefix(Use use) {
    std::string prefix = "null as $ENV|";
    for (const Refused& r : refused_builtins) {
        if (r.partition_only && use != Use::partition) continue;
        prefix.append("def ").append(r.name).append(r.parameters).append(":").append(marker).append(r.name).append(";");
    }
    return prefix;
}

std::string place_text(std::string_view expression, std::size_t offset) {
    const Place place = place_of(expression, offset);
    return "line " + std::to_string(place.line) + ", column " + std::to_string(place.column);
}

std::optional<std::string> explain_refusal(std::string_view jq_message, std::string_view expression) {
    const std::size_t at = jq_message.find(marker);
    if (at == std::string_view::npos) return std::nullopt;
    std::string_view name = jq_message.substr(at + marker.size());
    name = name.substr(0, name.find(' '));
    if (std::ranges::none_of(refused_builtins, [name](const Refused& r) { return r.name == name; })) return std::nullopt;

    std::string text = not_allowed(
        name,
        clock_or_zone(name) ? "a partition expression: a partition is a function of the message alone, not of the clock or the time zone" : outside);
    if (const auto offset = reference(expression, name)) text += " (" + place_text(expression, *offset) + ")";
    return text;
}

std::optional<std::string> find_refused_syntax(std::string_view expression) {
    const Tokens tokens = tokenize(expression);
    for (std::size_t i = 0; i + 1 < tokens.list.size(); ++i) {
        const Token& token = tokens.list[i];
        const Token& next = tokens.list[i + 1];
        const auto refuse = [&](std::string_view name) { return not_allowed(name, outside) + " (" + place_text(expression, token.offset) + ")"; };
        if (token.op("$") && next.kind == Token::Kind::word && (next.text == "ENV" || next.text.starts_with("__prog")))
            return refuse(std::string{"$"}.append(next.text));
        // As keys (`{import: 1}`) and fields (`.include`) the words are harmless.
        const bool path_follows = next.kind == Token::Kind::string_start || next.kind == Token::Kind::format;
        if ((token.word("import") || token.word("include")) && path_follows) return refuse(token.text);
    }
    return std::nullopt;
}

} // namespace fluxgate::jq
