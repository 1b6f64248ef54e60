// XXH3-128, and how it is written.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace fluxgate::window {

struct Hash128 {
    std::uint64_t high = 0, low = 0;
    friend bool operator==(const Hash128&, const Hash128&) = default;
};

// XXH3-128 with seed 0.
[[nodiscard]] Hash128 hash128(std::string_view bytes) noexcept;

inline constexpr std::size_t hash_digits = 32;

// 32 lower-case hex digits, the high half first (XXH128's canonical form).
void put_hex(char* at, const Hash128& hash) noexcept;
void put_hex_portable(char* at, const Hash128& hash) noexcept; // the same without the vector unit
[[nodiscard]] std::string hex(const Hash128& hash);

} // namespace fluxgate::window
