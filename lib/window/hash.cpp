#include "window/hash.hpp"

#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace fluxgate::window {

Hash128 hash128(std::string_view bytes) noexcept {
    const XXH128_hash_t h = XXH3_128bits(bytes.data(), bytes.size());
    return {h.high64, h.low64};
}

namespace {

// Both digits of each byte.
struct Digits {
    char of[256][2];
};

constexpr Digits make_digits() {
    constexpr char one[] = "0123456789abcdef";
    Digits out{};
    for (int i = 0; i < 256; ++i) {
        out.of[i][0] = one[i >> 4];
        out.of[i][1] = one[i & 15];
    }
    return out;
}

constexpr Digits digits = make_digits();

} // namespace

void put_hex(char* at, const Hash128& hash) noexcept {
    for (int k = 0; k < 8; ++k) {
        std::memcpy(at + 2 * k, digits.of[(hash.high >> (56 - 8 * k)) & 255], 2);
        std::memcpy(at + 16 + 2 * k, digits.of[(hash.low >> (56 - 8 * k)) & 255], 2);
    }
}

std::string hex(const Hash128& hash) {
    std::string out(hash_digits, '0');
    put_hex(out.data(), hash);
    return out;
}

} // namespace fluxgate::window
