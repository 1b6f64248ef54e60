// Whether a field's text is a value of its column's type, and its JSON form. Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace fluxgate::message {

// An optional minus and digits without leading zeros, within int64 / uint64.
[[nodiscard]] bool is_long(std::string_view s) noexcept;
[[nodiscard]] bool is_unsigned_long(std::string_view s) noexcept;

enum class DoubleText : std::uint8_t {
    json,       // a JSON number as it stands
    mendable,   // a decimal number that JSON writes differently (+1, .5, 5., 007): see mended_double
    non_finite, // NaN, Inf, +Inf, -Inf (also "Infinity", any case)
    invalid
};
[[nodiscard]] DoubleText classify_double(std::string_view s) noexcept;

// The same number as JSON text. Precondition: classify_double(s) == mendable.
[[nodiscard]] std::string mended_double(std::string_view s);

// RFC 3339 with 0 to 9 fraction digits, real dates only.
[[nodiscard]] bool is_rfc3339(std::string_view s) noexcept;

// The same; `minute` is the beginning of a time that was found right, or zeros, and need not be looked at again.
[[nodiscard]] bool is_rfc3339(std::string_view s, std::array<char, 16>& minute) noexcept;

// A Flux or Go duration: an optional minus and one or more <digits><unit>, units y mo w d h m s ms us µs ns.
[[nodiscard]] bool is_duration(std::string_view s) noexcept;

// RFC 4648 base64, standard alphabet, padded.
[[nodiscard]] bool is_base64(std::string_view s) noexcept;

} // namespace fluxgate::message
