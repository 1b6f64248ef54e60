// References to environment variables inside the strings of a document.
//
//   ${NAME}            the variable's value; a variable that is not set is a fault
//   ${NAME:-default}   the value, or the default when the variable is not set or empty (as a shell has it)
//   $${                a literal ${
//
// NAME is [A-Za-z_][A-Za-z0-9_]*. A default goes to the next "}" and holds no "${". Any other "$" is a "$".
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::config {

// The value of an environment variable, or none when it is not set.
using Variables = std::function<std::optional<std::string>(std::string_view name)>;

struct Reference {
    std::string name;
    std::string value;          // what stands for it
    bool defaulted = false;     // the document's default, not the variable
    std::string default_text{}; // as written behind :-
};

struct Expansion {
    std::string text;                  // empty when there is a problem
    std::vector<Reference> references; // in the order of the text
    bool whole = false;                // the text was one reference and nothing else
    std::string problem;               // a sentence; none when empty. Never a variable's value
};

// Whether the text has "${": everything else stays as it is.
[[nodiscard]] bool has_reference(std::string_view text);

// At most `most` bytes; more is a problem.
[[nodiscard]] Expansion expand_references(std::string_view text, const Variables& variables, std::size_t most);

// A text that expands to `text` whatever the variables are.
[[nodiscard]] std::string escape_references(std::string_view text);

// Whether a variable's name says that it holds a credential: its last word is TOKEN, SECRET, PASSWORD, PASSPHRASE, CREDENTIAL(S), or
// PASS, PASSWD, PWD behind another word, or KEY behind API, ACCESS, PRIVATE or SECRET. PATH_TO_TOKEN_FILE does not.
[[nodiscard]] bool names_credential(std::string_view variable);

} // namespace fluxgate::config
