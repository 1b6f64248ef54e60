// Steps over JSON text without building anything: enough to find where a value begins and ends.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace fluxgate::jsonpath {

// Deeper text is refused, so that one message cannot keep a worker busy without end.
inline constexpr std::size_t max_nesting = 1024;

// A position in JSON text. Every step answers false when the text is not JSON there; the position then is where the
// trouble was met. Scalars are not checked beyond their extent: the text comes from a stage that wrote it as JSON.
class Scanner {
public:
    explicit Scanner(std::string_view text, std::size_t at = 0) noexcept : text_(text), at_(at) {}

    [[nodiscard]] std::size_t at() const noexcept { return at_; }
    [[nodiscard]] std::string_view from(std::size_t begin) const noexcept { return text_.substr(begin, at_ - begin); }

    // Skips white space; the next character, or 0 at the end.
    char peek() noexcept;
    // Takes the expected character, after white space.
    bool take(char expected) noexcept;
    // Takes a string; `inside` is what stands between its quotes, escapes untouched.
    bool string(std::string_view& inside) noexcept;
    // Takes one value of any kind.
    bool value() noexcept;

private:
    bool scalar() noexcept;

    std::string_view text_;
    std::size_t at_;
};

// Decodes the escapes of a JSON string's inside to UTF-8; a lone surrogate becomes U+FFFD. Nothing for an escape that
// JSON does not have; `error_at` then is its offset.
std::optional<std::string> decode_string(std::string_view inside, std::size_t& error_at);

} // namespace fluxgate::jsonpath
