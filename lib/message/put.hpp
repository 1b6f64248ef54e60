// Writes short texts.
#pragma once

#include <cstddef>
#include <cstring>

namespace fluxgate::message {

// Copies n bytes and answers the place behind them. Overlapping moves of fixed sizes: for texts of a few dozen bytes, whose
// length differs from call to call, this beats a call of memcpy. Nothing outside [s, s + n) is read, nothing behind at + n written.
inline char* put(char* at, const char* s, std::size_t n) noexcept {
    if (n > 64) {
        std::memcpy(at, s, n);
    } else if (n > 32) {
        std::memcpy(at, s, 32);
        std::memcpy(at + n - 32, s + n - 32, 32);
    } else if (n > 16) {
        std::memcpy(at, s, 16);
        std::memcpy(at + n - 16, s + n - 16, 16);
    } else if (n >= 8) {
        std::memcpy(at, s, 8);
        std::memcpy(at + n - 8, s + n - 8, 8);
    } else if (n >= 4) {
        std::memcpy(at, s, 4);
        std::memcpy(at + n - 4, s + n - 4, 4);
    } else if (n > 0) {
        at[0] = s[0];
        at[n / 2] = s[n / 2];
        at[n - 1] = s[n - 1];
    }
    return at + n;
}

} // namespace fluxgate::message
