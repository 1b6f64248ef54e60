// libjq's values with an owner, and the ways between them and text.
#pragma once

#include <string>
#include <string_view>
#include <utility>

extern "C" {
#include <jv.h>
}

namespace fluxgate::jq {

// Owns one reference to a jv. Movable, not copyable; a moved-from Value is invalid. Values may move between threads but
// not be shared by two (libjq's reference counts are not atomic).
class Value {
public:
    Value() noexcept : value_(jv_invalid()) {}
    explicit Value(jv adopted) noexcept : value_(adopted) {}
    Value(Value&& other) noexcept : value_(std::exchange(other.value_, jv_invalid())) {}
    Value& operator=(Value&& other) noexcept {
        std::swap(value_, other.value_);
        return *this;
    }
    Value(const Value&) = delete;
    Value& operator=(const Value&) = delete;
    ~Value() { jv_free(value_); }

    [[nodiscard]] jv_kind kind() const noexcept { return jv_get_kind(value_); }
    [[nodiscard]] bool valid() const noexcept { return kind() != JV_KIND_INVALID; }

    // Precondition: a number.
    [[nodiscard]] double number() const noexcept { return jv_number_value(value_); }
    // Precondition: a string. UTF-8, may hold NUL; lives as long as this value.
    [[nodiscard]] std::string_view string() const noexcept;
    // Precondition: a string. How many Unicode characters it has.
    [[nodiscard]] int code_points() const noexcept { return jv_string_length_codepoints(jv_copy(value_)); }

    // A new reference for a libjq call that consumes its argument.
    [[nodiscard]] jv copy() const noexcept { return jv_copy(value_); }
    // Gives the reference away; this becomes invalid.
    [[nodiscard]] jv release() noexcept { return std::exchange(value_, jv_invalid()); }

    // Compact JSON text.
    [[nodiscard]] std::string dump() const;

private:
    jv value_;
};

// Parses exactly one JSON text. On failure the value is invalid and `error` says why, without repeating the text.
[[nodiscard]] Value parse(std::string_view json, std::string& error);

// At most `limit` bytes of `text`, cut between characters and marked "..." where something was left out.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t limit);

// An error's text from libjq: a string as it is, anything else as JSON. Consumes `message`.
[[nodiscard]] std::string message_text(jv message);

} // namespace fluxgate::jq
