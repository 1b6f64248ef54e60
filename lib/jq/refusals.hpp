// What an expression may not use, because it reaches outside the message.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::jq {

enum class Use {
    general,   // a transformation or filter
    partition, // must be a function of the message: neither clock nor time zone
};

// jq text to put before the expression: `def NAME: $__refused_NAME;` for each refused function in every arity that libjq
// 1.6 to 1.8 gives it, so that a reference is a compile error, but `.env`, `{env: 1}` and the expression's own `def env:`
// stay legal; and $ENV bound to null, so that no spelling of it reaches the environment. It holds no line break.
[[nodiscard]] std::string refusal_prefix(Use use);

// If libjq's message is about such a definition: the sentence for a person, with the place of the reference.
[[nodiscard]] std::optional<std::string> explain_refusal(std::string_view jq_message, std::string_view expression);

// What no definition can catch: `$ENV`, `$__prog_args`, `import` and `include`. The sentence for a person, or nothing.
[[nodiscard]] std::optional<std::string> find_refused_syntax(std::string_view expression);

// "line 1, column 5"
[[nodiscard]] std::string place_text(std::string_view expression, std::size_t offset);

} // namespace fluxgate::jq
